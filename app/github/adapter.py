"""The whole `GitHub` port over one App."""

from app.github.checks import RestChecks
from app.github.client import Client
from app.github.comments import RestComments
from app.github.installations import RestDeliveries, RestInstallations
from app.github.repositories import RestPullRequests, RestRepositories
from app.github.tokens import Tokens
from app.github.transport import Transport
from app.github.workflows import RestWorkflows


class RestGitHub(
    RestInstallations,
    RestRepositories,
    RestPullRequests,
    RestWorkflows,
    RestChecks,
    RestComments,
    RestDeliveries,
):
    """Thread-safe: one for each process, made after a fork.

    Args:
        app_id: The GitHub App's id.
        private_key: Its RSA key in PEM.
        api_url: `https://api.github.com`, or a GitHub Enterprise Server's `.../api/v3`.
    """

    def __init__(self, *, app_id: int, private_key: str, api_url: str) -> None:
        self._transport = Transport(api_url)
        tokens = Tokens(self._transport, app_id=app_id, private_key=private_key)
        client = Client(self._transport, tokens)
        RestRepositories.__init__(self, client)
        RestChecks.__init__(self, client, app_id=app_id)
        RestComments.__init__(self, client, app_id=app_id)

    def close(self) -> None:
        """Close idle connections to GitHub."""
        self._transport.close()
