"""Questions with a person's own token or with none: who logged in, which App was made."""

from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from app.core.errors import GitHubUnavailable
from app.core.github_app import GitHubApp
from app.github.answers import number, optional_text, text
from app.github.failures import GitHubRefused
from app.github.transport import Transport
from app.operations.ports.sign_in import Account


class RestAccounts:
    """The `GitHubAccounts` port over the REST API. Thread-safe. No token is kept."""

    def __init__(self, api_url: str) -> None:
        self._transport = Transport(api_url)

    def account(self, token: str, *, teams: Collection[str]) -> Account:
        user = self._transport.request("GET", "/user", token=token).data
        login = text(user, "login")
        return Account(
            id=number(user, "id"),
            login=login,
            name=optional_text(user, "name") or login,
            teams=tuple(team for team in teams if self._is_member(token, team, login)),
        )

    def _is_member(self, token: str, team: str, login: str) -> bool:
        # https://docs.github.com/en/rest/teams/members#get-team-membership-for-a-user
        organization, _, slug = team.partition("/")
        path = f"/orgs/{quote(organization, safe='')}/teams/{quote(slug, safe='')}/memberships"
        try:
            found = self._transport.request("GET", f"{path}/{quote(login, safe='')}", token=token)
        except GitHubRefused:  # not a member, or the App has no eyes there: both mean no
            return False
        return text(found.data, "state") == "active"

    def created_app(self, code: str) -> GitHubApp | None:
        path = f"/app-manifests/{quote(code, safe='')}/conversions"
        try:
            return _app(self._transport.request("POST", path, token=None).data)
        except GitHubRefused as error:
            if error.status in (404, 422):
                return None
            raise

    def close(self) -> None:
        """Close idle connections to GitHub."""
        self._transport.close()


def _app(made: Any) -> GitHubApp:
    # https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest
    secret = optional_text(made, "webhook_secret")
    if secret is None:
        raise GitHubUnavailable("GitHub made the App without a webhook secret.")
    return GitHubApp(
        app_id=number(made, "id"),
        private_key=text(made, "pem"),
        webhook_secrets=(secret,),
        client_id=text(made, "client_id"),
        client_secret=text(made, "client_secret"),
        url=text(made, "html_url"),
    )
