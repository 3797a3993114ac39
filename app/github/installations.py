"""Where the App is installed, and what it sees there."""

from collections.abc import Sequence
from datetime import datetime

from app.core.errors import GitHubUnavailable
from app.core.identifiers import InstallationId, OwnerId
from app.core.repositories import InstallationState, Repository
from app.github.answers import items, number, optional_text, part, read_repository, read_time, text
from app.github.client import Client, repository_path, scope, whole_list
from app.github.failures import GitHubHasNot, GitHubRefused, suspended
from app.github.tokens import LIST
from app.operations.ports.github import FailedDelivery


class RestInstallations:
    """Where the App is installed, and what it sees there."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def installation_of(self, owner: str, name: str) -> InstallationId | None:
        try:
            answer = self._client.as_app("GET", repository_path(f"{owner}/{name}", "installation"))
        except GitHubHasNot:
            return None
        return InstallationId(number(answer.data, "id"))

    def installation_state(self, installation_id: InstallationId) -> InstallationState:
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
        return text(self._client.as_app("GET", "/app").data, "html_url")

    def installations(self) -> Sequence[tuple[InstallationId, OwnerId]]:
        first = self._client.as_app("GET", "/app/installations", {"per_page": "100"})
        records = whole_list(first, lambda link: self._client.as_app("GET", link))
        return [
            (InstallationId(number(each, "id")), OwnerId(number(part(each, "account"), "id")))
            for each in records
        ]


_MOST_PAGES = 100


class RestDeliveries:
    """The `Deliveries` port; GitHub keeps three days of them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def failed_deliveries(self, *, since: datetime) -> Sequence[FailedDelivery]:
        """See the port. GitHub lists every attempt, newest first."""
        judged: set[str] = set()
        failed: list[FailedDelivery] = []
        answer = self._client.as_app("GET", "/app/hook/deliveries", {"per_page": "100"})
        for _page in range(_MOST_PAGES):
            for attempt in items(answer.data):
                if read_time(attempt, "delivered_at") < since:
                    return failed
                guid = text(attempt, "guid")
                if guid not in judged and not 200 <= number(attempt, "status_code") < 300:
                    failed.append(FailedDelivery(id=number(attempt, "id"), guid=guid))
                judged.add(guid)
            if answer.next_page is None:
                return failed
            answer = self._client.as_app("GET", answer.next_page)
        return failed

    def redeliver(self, delivery_id: int) -> None:
        try:
            self._client.as_app("POST", f"/app/hook/deliveries/{delivery_id}/attempts")
        except GitHubHasNot:
            return  # older than three days: the reconcile of everything makes up for it
        except GitHubRefused as error:
            raise GitHubUnavailable(f"GitHub did not redeliver: {error.reason}") from error
