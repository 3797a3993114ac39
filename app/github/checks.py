"""Check runs: one at GitHub for each of ours, also when an answer was lost."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.core.checks import Annotation, CheckAction, CheckContent, CheckStatus
from app.core.errors import NotFound
from app.core.identifiers import CheckId, CheckRunId, CommitSha
from app.core.repositories import Repository
from app.github.answers import number, optional_text, part, read_time
from app.github.client import Client, repository_path, scope_of
from app.github.failures import GitHubHasNot, GitHubRefused, TokenNotGranted
from app.github.tokens import WRITE_CHECKS

# https://docs.github.com/en/rest/checks/runs#create-a-check-run
MOST_TEXT_BYTES = 65_535
"""GitHub states characters; as many bytes are within both readings."""
_MOST_TITLE_BYTES = 255
_MOST_ACTIONS = 3
_MOST_ANNOTATIONS = 50
_SECOND = timedelta(seconds=1)
_UNPROCESSABLE = 422
_CUT = "\n\n(cut: longer than GitHub shows)"


class RestChecks:
    """The App's check runs."""

    def __init__(self, client: Client, *, app_id: int) -> None:
        self._client = client
        self._app_id = app_id

    def publish_check(
        self,
        repository: Repository,
        head_sha: CommitSha,
        content: CheckContent,
        *,
        check_id: CheckId,
        github_id: CheckRunId | None,
    ) -> CheckRunId:
        body = {**check_run_body(content), "external_id": str(check_id)}
        if github_id is not None and self._update(repository, github_id, body):
            return github_id
        found = self._find(repository, head_sha, content.name, check_id)
        if found is not None and found != github_id and self._update(repository, found, body):
            return found
        return self._create(repository, {**body, "head_sha": head_sha})

    def _create(self, repository: Repository, body: dict[str, Any]) -> CheckRunId:
        answer = self._client.request(
            "POST",
            repository_path(repository, "check-runs"),
            scope=scope_of(repository, WRITE_CHECKS),
            body=body,
        )
        return CheckRunId(number(answer.data, "id"))

    def _update(self, repository: Repository, github_id: CheckRunId, body: dict[str, Any]) -> bool:
        """False when GitHub has it no more, or it has the annotations of another run.

        GitHub adds annotations to those that are there, and takes none away: so they are sent once,
        and a repeated run gets a check run of its own. GitHub shows the last one of a name.
        """
        path = repository_path(repository, "check-runs", str(github_id))
        scope = scope_of(repository, WRITE_CHECKS)
        try:
            if "annotations" in body["output"]:
                there = self._client.request("GET", path, scope=scope).data
                if number(part(there, "output"), "annotations_count"):
                    if _is_of_another_run(there, body):
                        return False
                    body = {**body, "output": _without_annotations(body["output"])}
            self._client.request("PATCH", path, scope=scope, body=body)
        except GitHubHasNot:
            return False
        return True

    def _find(
        self, repository: Repository, head_sha: CommitSha, name: str, check_id: CheckId
    ) -> CheckRunId | None:
        """Ours on this commit, if an earlier attempt made it and never heard so.

        Raises NotFound when GitHub has the commit no more.
        """
        try:
            records = self._client.pages(
                repository_path(repository, "commits", head_sha, "check-runs"),
                scope=scope_of(repository, WRITE_CHECKS),
                key="check_runs",
                parameters={"check_name": name, "filter": "all", "app_id": str(self._app_id)},
            )
        except GitHubRefused as error:
            # All but the commit is the same for every check.
            if error.status == _UNPROCESSABLE and not isinstance(error, TokenNotGranted):
                raise NotFound(str(error)) from error
            raise
        ours = [
            CheckRunId(number(record, "id"))
            for record in records
            if number(part(record, "app"), "id") == self._app_id
            and optional_text(record, "external_id") == str(check_id)
        ]
        return max(ours, default=None)


def check_run_body(content: CheckContent) -> dict[str, Any]:
    """What GitHub is sent, within its limits."""
    output: dict[str, Any] = {
        "title": fit(content.title, _MOST_TITLE_BYTES, ending="…") or content.name,
        "summary": fit(content.summary, MOST_TEXT_BYTES) or content.name,
        # Also when it is empty: what is left out stays, and that would be an earlier attempt's log.
        "text": fit(content.text, MOST_TEXT_BYTES),
    }
    if content.annotations:
        output["annotations"] = [_beside(one) for one in content.annotations[:_MOST_ANNOTATIONS]]
    is_completed = content.conclusion is not None
    body: dict[str, Any] = {
        "name": content.name,
        "status": (CheckStatus.COMPLETED if is_completed else CheckStatus.IN_PROGRESS).value,
        "output": output,
        "actions": [_button(action) for action in content.actions[:_MOST_ACTIONS]],
    }
    if content.details_url is not None:
        body["details_url"] = content.details_url
    if content.started_at is not None:
        body["started_at"] = content.started_at.isoformat()
    if content.conclusion is not None:
        body["conclusion"] = content.conclusion.value
    if is_completed and content.completed_at is not None:
        body["completed_at"] = content.completed_at.isoformat()
    return body


def fit(text: str, most_bytes: int, *, ending: str = _CUT) -> str:
    """The text, or as much of its beginning as fits, without half a character.

    NUL and lone surrogates, which JSON could carry and GitHub refuses, become question marks.
    """
    encoded = text.replace("\0", "?").encode("utf-8", errors="replace")
    if len(encoded) <= most_bytes:
        return encoded.decode()
    room = most_bytes - len(ending.encode())
    return encoded[:room].decode(errors="ignore") + ending


def _is_of_another_run(there: Any, body: Mapping[str, Any]) -> bool:
    """Whether the check run began at another second than what it is to say."""
    begins = body.get("started_at")
    if begins is None or optional_text(there, "started_at") is None:
        return False
    return abs(read_time(there, "started_at") - datetime.fromisoformat(begins)) >= _SECOND


def _without_annotations(output: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in output.items() if name != "annotations"}


def _beside(annotation: Annotation) -> dict[str, Any]:
    return {
        "path": annotation.path,
        "start_line": annotation.line,
        "end_line": annotation.line,
        "annotation_level": annotation.level.value,
        "title": fit(annotation.title, _MOST_TITLE_BYTES, ending="…"),
        "message": fit(annotation.message, MOST_TEXT_BYTES),
    }


def _button(action: CheckAction) -> dict[str, str]:
    return {
        "label": action.label[:20],
        "description": action.description[:40],
        "identifier": action.identifier[:20],
    }
