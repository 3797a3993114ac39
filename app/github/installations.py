"""Where the App is installed, and what it sees there."""

from collections.abc import Sequence

from app.core.errors import GitHubUnavailable
from app.core.identifiers import InstallationId, OwnerId
from app.core.repositories import InstallationState, Repository
from app.github.answers import number, optional_text, part, read_repository, text
from app.github.client import Client, repository_path, scope, whole_list
from app.github.failures import GitHubHasNot, suspended
from app.github.tokens import LIST


class PyGithubInstallations:
    """The `Installations` port."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def installation_of(self, owner: str, name: str) -> InstallationId | None:
        """See the port."""
        try:
            answer = self._client.as_app("GET", repository_path(f"{owner}/{name}", "installation"))
        except GitHubHasNot:
            return None
        return InstallationId(number(answer.data, "id"))

    def installation_state(self, installation_id: InstallationId) -> InstallationState:
        """See the port."""
        try:
            answer = self._client.as_app("GET", f"/app/installations/{installation_id}")
        except GitHubHasNot:
            return InstallationState.REMOVED
        if number(answer.data, "id") != installation_id:
            raise GitHubUnavailable("GitHub answered about another installation.")
        if optional_text(answer.data, "suspended_at") is None:
            return InstallationState.ACTIVE
        return InstallationState.SUSPENDED

    def installation_repositories(
        self, installation_id: InstallationId
    ) -> Sequence[Repository] | None:
        """See the port."""
        match self.installation_state(installation_id):
            case InstallationState.REMOVED:
                return None
            case InstallationState.SUSPENDED:
                raise suspended()
        records = self._client.pages(
            "/installation/repositories", scope=scope(installation_id, LIST), key="repositories"
        )
        return [read_repository(each, installation_id) for each in records]

    def app_page(self) -> str:
        """See the port."""
        return text(self._client.as_app("GET", "/app").data, "html_url")

    def installations(self) -> Sequence[tuple[InstallationId, OwnerId]]:
        """See the port."""
        first = self._client.as_app("GET", "/app/installations", {"per_page": "100"})
        records = whole_list(first, lambda link: self._client.as_app("GET", link))
        return [
            (InstallationId(number(each, "id")), OwnerId(number(part(each, "account"), "id")))
            for each in records
        ]
