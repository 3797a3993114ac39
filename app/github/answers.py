"""Reading GitHub's JSON: the fields we need, of the right type, or no answer at all.

A field that is missing or odd means a broken answer (a proxy's, a cut one), never a fact.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

from app.core.errors import GitHubUnavailable
from app.core.identifiers import (
    BranchName,
    CommitSha,
    InstallationId,
    OwnerId,
    PullRequestNumber,
    RepositoryId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.repositories import (
    Branch,
    InstallationState,
    PullRequest,
    Repository,
    WorkflowJob,
    WorkflowRun,
)


def read_repository(data: Any, installation_id: InstallationId) -> Repository:
    return Repository(
        id=RepositoryId(number(data, "id")),
        owner_id=OwnerId(number(part(data, "owner"), "id")),
        full_name=text(data, "full_name"),
        default_branch=BranchName(text(data, "default_branch")),
        is_private=flag(data, "private"),
        is_archived=flag(data, "archived"),
        installation_id=installation_id,
        installation_state=InstallationState.ACTIVE,
    )


def read_branch(data: Any) -> Branch:
    return Branch(
        name=BranchName(text(data, "name")),
        head_sha=CommitSha(text(part(data, "commit"), "sha")),
        is_protected=flag(data, "protected"),
    )


def read_pull_request(data: Any) -> PullRequest:
    head, base = part(data, "head"), part(data, "base")
    return PullRequest(
        number=PullRequestNumber(number(data, "number")),
        repository_id=RepositoryId(number(part(base, "repo"), "id")),
        head_repository_id=_optional_id(head, "repo"),
        head_branch=BranchName(text(head, "ref")),
        head_sha=CommitSha(text(head, "sha")),
        is_open=text(data, "state") == "open",
    )


def read_workflow_run(data: Any) -> WorkflowRun:
    branch = optional_text(data, "head_branch")
    return WorkflowRun(
        id=WorkflowRunId(number(data, "id")),
        attempt=number(data, "run_attempt"),
        repository_id=RepositoryId(number(part(data, "repository"), "id")),
        head_repository_id=_optional_id(data, "head_repository"),
        workflow_id=number(data, "workflow_id"),
        event=text(data, "event"),
        head_branch=None if branch is None else BranchName(branch),
        head_sha=CommitSha(text(data, "head_sha")),
        is_completed=text(data, "status") == "completed",
        conclusion=optional_text(data, "conclusion"),
        pull_request_numbers=tuple(
            PullRequestNumber(number(each, "number"))
            for each in optional_items(data, "pull_requests")
        ),
    )


def read_workflow_job(data: Any) -> WorkflowJob:
    return WorkflowJob(
        id=WorkflowJobId(number(data, "id")),
        name=text(data, "name"),
        is_completed=text(data, "status") == "completed",
    )


def part(data: Any, name: str) -> Any:
    """A field that is an object."""
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else _broken(name)


def text(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, str) and value else _broken(name)


def optional_text(data: Any, name: str) -> str | None:
    """None for null and for a missing field."""
    return None if isinstance(data, dict) and data.get(name) is None else text(data, name)


def number(data: Any, name: str) -> int:
    value = data.get(name) if isinstance(data, dict) else None
    return value if type(value) is int else _broken(name)


def flag(data: Any, name: str) -> bool:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, bool) else _broken(name)


def items(data: Any, name: str | None = None) -> Sequence[Any]:
    """A list, or the field of that name that is one."""
    value = data
    if name is not None:
        value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, list) else _broken(name or "list")


def optional_items(data: Any, name: str) -> Sequence[Any]:
    """Empty for null and for a missing field."""
    return () if isinstance(data, dict) and data.get(name) is None else items(data, name)


def read_time(data: Any, name: str) -> datetime:
    """An aware time, as GitHub writes it."""
    try:
        at = datetime.fromisoformat(text(data, name))
    except ValueError:
        _broken(name)
    if at.tzinfo is None:
        _broken(name)
    return at


def _optional_id(data: Any, name: str) -> RepositoryId | None:
    """The id of a repository that may have been deleted."""
    if isinstance(data, dict) and data.get(name) is None:
        return None
    return RepositoryId(number(part(data, name), "id"))


def _broken(name: str) -> NoReturn:
    raise GitHubUnavailable(f"GitHub's answer has no proper `{name}`.")
