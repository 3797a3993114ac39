"""Comments below pull requests: one at GitHub for each of ours, and reactions to others'."""

from typing import Any

from app.core.identifiers import CommentId, PullRequestNumber
from app.core.repositories import Repository
from app.github.answers import number as number_of
from app.github.answers import part
from app.github.checks import fit
from app.github.client import Client, repository_path, scope_of
from app.github.failures import GitHubHasNot
from app.github.tokens import COMMENT

# GitHub refuses more than 65,536 characters; as many bytes are within every reading of that.
MOST_BODY_BYTES = 65_000


class RestComments:
    """The `Comments` port. https://docs.github.com/en/rest/issues/comments"""

    def __init__(self, client: Client, *, app_id: int) -> None:
        self._client = client
        self._app_id = app_id

    def publish_comment(
        self,
        repository: Repository,
        number: PullRequestNumber,
        body: str,
        *,
        marker: str,
        comment_id: CommentId | None,
    ) -> CommentId:
        if comment_id is not None and self._edit_comment(repository, comment_id, body):
            return comment_id
        found = self._comment_with(repository, number, marker)
        if (
            found is not None
            and found != comment_id
            and self._edit_comment(repository, found, body)
        ):
            return found
        return self.comment(repository, number, body)

    def comment(self, repository: Repository, number: PullRequestNumber, body: str) -> CommentId:
        answer = self._client.request(
            "POST",
            repository_path(repository, "issues", str(number), "comments"),
            scope=scope_of(repository, COMMENT),
            body={"body": fit(body, MOST_BODY_BYTES)},
        )
        return CommentId(number_of(answer.data, "id"))

    def react(self, repository: Repository, comment_id: CommentId, reaction: str) -> None:
        self._client.request(
            "POST",
            repository_path(repository, "issues", "comments", str(comment_id), "reactions"),
            scope=scope_of(repository, COMMENT),
            body={"content": reaction},
        )

    def _edit_comment(self, repository: Repository, comment_id: CommentId, body: str) -> bool:
        """False when GitHub has it no more."""
        try:
            self._client.request(
                "PATCH",
                repository_path(repository, "issues", "comments", str(comment_id)),
                scope=scope_of(repository, COMMENT),
                body={"body": fit(body, MOST_BODY_BYTES)},
            )
        except GitHubHasNot:
            return False
        return True

    def _comment_with(
        self, repository: Repository, number: PullRequestNumber, marker: str
    ) -> CommentId | None:
        """The oldest of ours that carries the marker, among however many comments there are."""
        records = self._client.pages(
            repository_path(repository, "issues", str(number), "comments"),
            scope=scope_of(repository, COMMENT),
        )
        for record in records:
            # Whoever copies our text copies the marker too.
            if self._is_ours(record) and marker in str(record.get("body")):
                return CommentId(number_of(record, "id"))
        return None

    def _is_ours(self, record: Any) -> bool:
        if not isinstance(record, dict) or record.get("performed_via_github_app") is None:
            return False
        return number_of(part(record, "performed_via_github_app"), "id") == self._app_id
