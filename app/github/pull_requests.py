"""Pull requests, live."""

from collections.abc import Sequence

from app.core.errors import GitHubUnavailable
from app.core.identifiers import PullRequestNumber
from app.core.repositories import PullRequest, Repository
from app.github.answers import read_pull_request
from app.github.client import Client, repository_path, require_same, scope_of
from app.github.failures import GitHubHasNot
from app.github.tokens import READ


class PyGithubPullRequests:
    """The `PullRequests` port."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def open_pull_requests(self, repository: Repository) -> Sequence[PullRequest]:
        """See the port."""
        try:
            records = self._client.pages(
                repository_path(repository, "pulls"),
                scope=scope_of(repository, READ),
                parameters={"state": "open"},
            )
        except GitHubHasNot as error:
            raise GitHubUnavailable("GitHub does not show the pull requests.") from error
        found = [read_pull_request(each) for each in records]
        for pull_request in found:
            require_same(pull_request.repository_id, repository)
        if not found:
            self._client.confirm(repository)
        # A redirect of a renamed repository loses what was asked for.
        return [pull_request for pull_request in found if pull_request.is_open]

    def pull_request(self, repository: Repository, number: PullRequestNumber) -> PullRequest | None:
        """See the port."""
        try:
            answer = self._client.request(
                "GET",
                repository_path(repository, "pulls", str(number)),
                scope=scope_of(repository, READ),
            )
        except GitHubHasNot:
            self._client.confirm(repository)
            return None
        found = read_pull_request(answer.data)
        require_same(found.repository_id, repository)
        return found
