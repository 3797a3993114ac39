"""From a verified token's payload to claims: every claim has its type and form, or is refused."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.core.claims import Claims
from app.core.identifiers import CommitSha, OwnerId, RepositoryId, WorkflowJobId, WorkflowRunId

# GitHub sends numbers as text. `042`, `42 ` and full-width digits are not how it writes them, and
# PostgreSQL's bigint ends at 19 digits.
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
# JSON can say these; neither PostgreSQL nor UTF-8 can.
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_MAX_CHARACTERS = 4096


class MalformedClaim(ValueError):
    """A claim is missing or not of the form that GitHub documents."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def claims_of(payload: Mapping[str, Any]) -> Claims:
    """The claims that decisions rest on. `sub` must be there and is not read.

    Raises:
        MalformedClaim: Names the first claim that is not as it should be.
    """
    _text(payload, "sub")
    return Claims(
        repository_id=RepositoryId(_number(payload, "repository_id")),
        owner_id=OwnerId(_number(payload, "repository_owner_id")),
        repository=_text(payload, "repository", form=_REPOSITORY),
        # Both may be empty, for a deployment say: that reaches no database.
        event_name=_text(payload, "event_name", may_be_empty=True),
        ref=_text(payload, "ref", may_be_empty=True),
        ref_type=_text(payload, "ref_type", may_be_empty=True),
        head_ref=_optional_text(payload, "head_ref"),
        sha=CommitSha(_text(payload, "sha", form=_SHA)),
        run_id=WorkflowRunId(_number(payload, "run_id")),
        run_attempt=_number(payload, "run_attempt"),
        workflow_ref=_text(payload, "workflow_ref"),
        job_workflow_ref=_text(payload, "job_workflow_ref"),
        environment=_optional_text(payload, "environment"),
        runner_environment=_text(payload, "runner_environment"),
        actor=_text(payload, "actor"),
        token_id=_text(payload, "jti"),
        job_id=_job_id(payload),
        expires_at=datetime.fromtimestamp(payload["exp"], UTC),
    )


def _text(
    payload: Mapping[str, Any],
    name: str,
    *,
    form: re.Pattern[str] | None = None,
    may_be_empty: bool = False,
) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or len(value) > _MAX_CHARACTERS:
        raise MalformedClaim(name)
    if _UNSTORABLE.search(value) or not (value or may_be_empty):
        raise MalformedClaim(name)
    if form and not form.fullmatch(value):
        raise MalformedClaim(name)
    return value


def _optional_text(payload: Mapping[str, Any], name: str) -> str:
    return "" if payload.get(name) is None else _text(payload, name, may_be_empty=True)


def _number(payload: Mapping[str, Any], name: str) -> int:
    return int(_text(payload, name, form=_NUMBER))


def _job_id(payload: Mapping[str, Any]) -> WorkflowJobId | None:
    """`check_run_id`: not every GitHub Enterprise Server sends it, and no page tells its type."""
    value = payload.get("check_run_id")
    if not value:
        return None
    # Not isinstance: `True` is an int to Python.
    as_text = {**payload, "check_run_id": str(value)} if type(value) is int else payload
    return WorkflowJobId(_number(as_text, "check_run_id"))
