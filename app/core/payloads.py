"""Webhook payloads become events; everything hostile or unexpected stops here."""

from collections.abc import Callable, Mapping
from typing import Any

from app.core import events
from app.core.branches import branch_of_ref, is_possible_branch
from app.core.commands import parse_command
from app.core.errors import Invalid
from app.core.identifiers import (
    BranchName,
    CheckId,
    CommentId,
    CommitSha,
    InstallationId,
    OwnerId,
    PullRequestNumber,
    RepositoryId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.repositories import PullRequest

Payload = Mapping[str, Any]
MAX_ID = 2**63 - 1
# The longest text that we keep is a ref; GitHub stops near 250 bytes, an index of ours near 2,700.
MAX_TEXT_BYTES = 1100


class MalformedPayload(Invalid):
    """A signed payload lacks what its event always carries, or has it with another type."""

    code = "malformed_payload"
    advice = "Check that the webhook's content type is application/json and that GitHub sent it."


def parse_event(event: str, payload: Payload) -> events.Event | None:
    """The event, or None for what Coppice does not handle.

    Raises MalformedPayload. Shapes: https://docs.github.com/en/webhooks/webhook-events-and-payloads
    """
    action = payload.get("action")
    parse = PARSERS.get((event, action if isinstance(action, str) else None))
    return parse(payload) if parse else None


def repository_of(payload: Payload) -> events.RepositoryMentioned:
    """The repository a payload speaks of."""
    return events.RepositoryMentioned(
        id=RepositoryId(integer(payload, "repository", "id")),
        owner_id=OwnerId(integer(payload, "repository", "owner", "id")),
        full_name=text(payload, "repository", "full_name"),
        default_branch=BranchName(text(payload, "repository", "default_branch")),
    )


def _push(payload: Payload) -> events.Event | None:
    branch = branch_of_ref(text(payload, "ref"))
    if branch is None or not is_possible_branch(branch):
        return None
    if payload.get("deleted") is True:
        return events.BranchDeleted(repository=repository_of(payload), branch=branch)
    return events.BranchPushed(
        repository=repository_of(payload),
        branch=branch,
        head_sha=CommitSha(text(payload, "after")),
    )


def _created_or_deleted(
    kind: type[events.BranchCreated] | type[events.BranchDeleted],
) -> Callable[[Payload], events.Event | None]:
    def parse(payload: Payload) -> events.Event | None:
        # Here `ref` is the bare name: the type stands apart, unlike in a push.
        branch = BranchName(text(payload, "ref"))
        if payload.get("ref_type") != "branch" or not is_possible_branch(branch):
            return None
        return kind(repository=repository_of(payload), branch=branch)

    return parse


def _pull_request(payload: Payload) -> events.Event | None:
    repository = repository_of(payload)
    head_is_there = at(payload, ("pull_request", "head", "repo")) is not None
    return events.PullRequestChanged(
        repository=repository,
        pull_request=PullRequest(
            number=PullRequestNumber(integer(payload, "pull_request", "number")),
            repository_id=repository.id,
            head_repository_id=RepositoryId(integer(payload, "pull_request", "head", "repo", "id"))
            if head_is_there
            else None,
            head_branch=BranchName(text(payload, "pull_request", "head", "ref")),
            head_sha=CommitSha(text(payload, "pull_request", "head", "sha")),
            is_open=text(payload, "pull_request", "state") == "open",
        ),
    )


def _merge_group(payload: Payload) -> events.Event:
    return events.MergeGroupRequested(
        repository=repository_of(payload),
        head_sha=CommitSha(text(payload, "merge_group", "head_sha")),
    )


def _button(payload: Payload) -> events.Event | None:
    # Rerequested: GitHub's own Re-run. Other Apps' check runs carry other external ids.
    external_id = text(payload, "check_run", "external_id")
    if not (external_id.isascii() and external_id.isdecimal() and len(external_id) < 19):
        return None
    is_rerun = payload.get("action") == "rerequested"
    return events.ButtonPressed(
        repository=repository_of(payload),
        check_id=CheckId(int(external_id)),
        identifier="rerun" if is_rerun else text(payload, "requested_action", "identifier"),
        sender_id=integer(payload, "sender", "id"),
        sender_login=text(payload, "sender", "login"),
    )


def _suite(payload: Payload) -> events.Event:
    return events.SuiteRerequested(
        repository=repository_of(payload),
        head_sha=CommitSha(text(payload, "check_suite", "head_sha")),
        sender_id=integer(payload, "sender", "id"),
        sender_login=text(payload, "sender", "login"),
    )


def _command(payload: Payload) -> events.Event | None:
    """Only what a person wrote in their own name: an App that quotes a command gives none."""
    body = at(payload, ("comment", "body"))
    verb = parse_command(body) if isinstance(body, str) else None
    if verb is None or at(payload, ("issue", "pull_request")) is None:
        return None
    sender_id = integer(payload, "sender", "id")
    is_own = at(payload, ("comment", "user", "id")) == sender_id
    kinds = {at(payload, (*whose, "type")) for whose in (("sender",), ("comment", "user"))}
    is_by_app = at(payload, ("comment", "performed_via_github_app")) is not None
    if not is_own or kinds != {"User"} or is_by_app:
        return None
    return events.CommandGiven(
        repository=repository_of(payload),
        number=PullRequestNumber(integer(payload, "issue", "number")),
        comment_id=CommentId(integer(payload, "comment", "id")),
        verb=verb,
        sender_id=sender_id,
        sender_login=text(payload, "sender", "login"),
    )


def _workflow_run(payload: Payload) -> events.Event:
    return events.WorkflowCompleted(
        repository=repository_of(payload),
        workflow_run_id=WorkflowRunId(integer(payload, "workflow_run", "id")),
        workflow_attempt=integer(payload, "workflow_run", "run_attempt"),
        head_sha=CommitSha(text(payload, "workflow_run", "head_sha")),
        workflow_job_id=None,
        is_merge_group=at(payload, ("workflow_run", "event")) == "merge_group",
    )


def _workflow_job(payload: Payload) -> events.Event:
    return events.WorkflowCompleted(
        repository=repository_of(payload),
        workflow_run_id=WorkflowRunId(integer(payload, "workflow_job", "run_id")),
        workflow_attempt=integer(payload, "workflow_job", "run_attempt"),
        head_sha=CommitSha(text(payload, "workflow_job", "head_sha")),
        workflow_job_id=WorkflowJobId(integer(payload, "workflow_job", "id")),
        is_merge_group=False,
    )


def _repository(payload: Payload) -> events.Event:
    return events.RepositoryChanged(repository=repository_of(payload))


def _installation(payload: Payload) -> events.Event:
    return events.InstallationChanged(
        installation_id=InstallationId(integer(payload, "installation", "id"))
    )


PARSERS: Mapping[tuple[str, str | None], Callable[[Payload], events.Event | None]] = {
    ("push", None): _push,
    ("create", None): _created_or_deleted(events.BranchCreated),
    ("delete", None): _created_or_deleted(events.BranchDeleted),
    **{
        ("pull_request", action): _pull_request
        for action in ("opened", "reopened", "synchronize", "closed")
    },
    ("merge_group", "checks_requested"): _merge_group,
    ("check_run", "rerequested"): _button,
    ("check_run", "requested_action"): _button,
    ("check_suite", "rerequested"): _suite,
    ("issue_comment", "created"): _command,
    ("workflow_run", "completed"): _workflow_run,
    ("workflow_job", "completed"): _workflow_job,
    **{
        ("repository", action): _repository
        for action in (
            "archived",
            "unarchived",
            "deleted",
            "edited",
            "privatized",
            "publicized",
            "renamed",
            "transferred",
        )
    },
    **{
        ("installation", action): _installation
        for action in ("created", "deleted", "suspend", "unsuspend", "new_permissions_accepted")
    },
    ("installation_repositories", "added"): _installation,
    ("installation_repositories", "removed"): _installation,
}


def integer(payload: Payload, *path: str) -> int:
    """The id at a path. JSON's true and 1.0 are no ids, though Python takes True for 1."""
    value = at(payload, path)
    if type(value) is not int or not 0 < value <= MAX_ID:
        raise MalformedPayload(f"{'.'.join(path)} is no id.")
    return value


def text(payload: Payload, *path: str) -> str:
    """The text at a path; PostgreSQL takes neither NUL nor lone surrogates."""
    value = at(payload, path)
    if not isinstance(value, str) or "\0" in value or not _is_storable(value):
        raise MalformedPayload(f"{'.'.join(path)} is no text, or too long.")
    return value


def _is_storable(value: str) -> bool:
    if any("\ud800" <= character <= "\udfff" for character in value):
        return False
    return len(value.encode("utf-8")) <= MAX_TEXT_BYTES


def at(payload: Payload, path: tuple[str, ...]) -> Any:
    """Whatever stands at a path; None for nothing."""
    value: Any = payload
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
