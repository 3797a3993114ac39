"""The App's own registration at GitHub: what it may do, what it hears of, and where it sends it."""

from collections.abc import Mapping

from app.github.answers import items, optional_text, part, text
from app.github.failures import GitHubHasNot
from app.github.tokens import Tokens
from app.github.transport import Transport
from app.operations.administration.surroundings import Registration


def read_registration(*, app_id: int, private_key: str, api_url: str) -> Registration:
    """Ask GitHub, signed with the App's key.

    Raises GitHubUnavailable when it does not answer, GitHubRefused when it does not take the key.
    """
    transport = Transport(api_url)
    tokens = Tokens(transport, app_id=app_id, private_key=private_key)
    try:
        app = transport.request("GET", "/app", token=tokens.of_app()).data
        return Registration(
            slug=text(app, "slug"),
            url=text(app, "html_url"),
            permissions=_permissions(part(app, "permissions")),
            events=frozenset(str(event) for event in items(app, "events")),
            webhook_url=_webhook_url(transport, tokens),
        )
    finally:
        transport.close()


def _permissions(data: object) -> Mapping[str, str]:
    if not isinstance(data, dict):
        return {}
    return {str(name): str(level) for name, level in data.items()}


def _webhook_url(transport: Transport, tokens: Tokens) -> str | None:
    # https://docs.github.com/en/rest/apps/webhooks#get-a-webhook-configuration-for-an-app
    try:
        hook = transport.request("GET", "/app/hook/config", token=tokens.of_app()).data
    except GitHubHasNot:
        return None
    return optional_text(hook, "url")
