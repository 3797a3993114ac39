"""Webhook deliveries that nobody took, and asking for them again."""

from collections.abc import Sequence
from datetime import datetime

from app.core.errors import GitHubUnavailable
from app.github.answers import items, number, read_time, text
from app.github.client import Client
from app.github.failures import GitHubHasNot, GitHubRefused
from app.operations.ports.github import FailedDelivery

_MOST_PAGES = 100


class PyGithubDeliveries:
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
        """See the port."""
        try:
            self._client.as_app("POST", f"/app/hook/deliveries/{delivery_id}/attempts")
        except GitHubHasNot:
            return  # older than three days: the reconcile of everything makes up for it
        except GitHubRefused as error:
            raise GitHubUnavailable(f"GitHub did not redeliver: {error.reason}") from error
