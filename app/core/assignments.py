"""Assignments: an app on an instance, with its migration command and policies."""

from dataclasses import dataclass
from enum import StrEnum

from app.core.identifiers import AppId, InstanceId, RepositoryId


class PreviewPolicy(StrEnum):
    """Which revisions migrate the shared preview database."""

    SHARED = "shared"
    DEFAULT_BRANCH = "default-branch"
    OFF = "off"


class PreviewFailure(StrEnum):
    """What a failing preview on the default branch causes."""

    REBUILD = "rebuild"
    KEEP = "keep"


class RunnerPolicy(StrEnum):
    """Which runners may get production."""

    ANY = "any"
    GITHUB_HOSTED = "github-hosted"


class BotPolicy(StrEnum):
    """Which bots may get production."""

    NO_DEPENDABOT = "no-dependabot"
    ALL = "all"
    NONE = "none"


class LogPolicy(StrEnum):
    """Where the end of a migration's log may be shown."""

    PRIVATE = "private"
    """In check runs of private repositories only."""
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What an assignment says beside the migration command; the defaults are the safe ones."""

    ignore_patterns: tuple[str, ...] = ()
    preview: PreviewPolicy = PreviewPolicy.SHARED
    preview_failure: PreviewFailure = PreviewFailure.REBUILD
    extensions: tuple[str, ...] = ()
    production_environment: str = ""
    """Name of the GitHub environment a job must have for production; empty: none."""
    allowed_workflows: tuple[str, ...] = ()
    """`owner/repo/path@sha` of reusable workflows that may get production."""
    runners: RunnerPolicy = RunnerPolicy.ANY
    bots: BotPolicy = BotPolicy.NO_DEPENDABOT
    runtime_production: bool = False
    log: LogPolicy = LogPolicy.PRIVATE
    seed_command: str = ""
    """Run once for each new database after its first migration, unless the workflow has its own."""
    seed_production: bool = False
    """Production is seeded too."""
    lock_timeout: str = ""
    """How long a job's sessions wait for a lock, as PostgreSQL takes it; empty: without end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A repository, or one part of it, that has databases."""

    id: AppId
    repository_id: RepositoryId
    has_bare_checks: bool
    """The repository's first app: its check runs carry no app id, for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An app on an instance."""

    app: App
    instance_id: InstanceId
    migration_command: str
    policies: Policies
