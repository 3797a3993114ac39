"""Check runs as values: what should stand on a commit."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.identifiers import (
    AppId,
    CheckId,
    CommitSha,
    DatabaseId,
    RepositoryId,
    RunId,
)


class CheckStatus(StrEnum):
    """GitHub's words for a check run's progress."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class Conclusion(StrEnum):
    """GitHub's words for how a check run ended, as far as Coppice uses them."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAction:
    """A button. GitHub's limits in characters: label 20, description 40, identifier 20."""

    label: str
    description: str
    identifier: str


class AnnotationLevel(StrEnum):
    """GitHub's words for how grave an annotation is."""

    NOTICE = "notice"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Words beside a line of a file. GitHub's limits: title 255 characters, message 64 kB."""

    path: str
    """From the repository's root."""
    line: int
    level: AnnotationLevel
    title: str
    message: str
    """Plain text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckContent:
    """What a check run says. GitHub's limit: 65,535 characters for summary and for text."""

    name: str
    conclusion: Conclusion | None
    """None: still in progress."""
    title: str
    summary: str
    text: str = ""
    details_url: str | None = None
    actions: tuple[CheckAction, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    """The gravest first; GitHub takes 50 at a time."""
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSubject:
    """What a check run is about: the commit, and what its buttons mean."""

    repository_id: RepositoryId
    head_sha: CommitSha
    app_id: AppId | None = None
    """None for a commit that reaches no app's database, such as a fork's."""
    database_id: DatabaseId | None = None
    run_id: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(CheckSubject):
    """A check run that should exist; posting it is a job of its own (`store/outbox`)."""

    id: CheckId
    content: CheckContent
