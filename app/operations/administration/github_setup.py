"""Becoming a GitHub App: the last step of GitHub's manifest flow, and taking it back."""

from app.core.audit import AuditEvent
from app.core.errors import Conflict, CoppiceError, Invalid
from app.core.github_app import GitHubApp
from app.core.people import Operate
from app.operations.access import Permitted
from app.operations.services import Services


def require_nothing_yet(services: Services) -> None:
    """Raise Conflict when the service has a GitHub App."""
    if services.github_app.current(is_fresh=True) is not None:
        raise Conflict(
            "GitHub is connected already.",
            advice="To connect another App, forget this one first.",
        )


def connect(permitted: Permitted[Services, Operate], code: str) -> None:
    """Fetch the secrets of the App that GitHub just made, and keep them encrypted.

    Raises Conflict when there is an App, Invalid for a code that GitHub does not know (any more).
    """
    services = permitted.subject
    require_nothing_yet(services)
    app = services.github_accounts().created_app(code) if code else None
    if app is None:
        raise Invalid(
            "GitHub does not know this code: it is wrong, used already, or older than an hour.",
            advice="Begin again on the page /setup. If GitHub made an App meanwhile, delete it"
            " there.",
        )
    services.github_app.store(app)
    services.record(AuditEvent.SETUP_CONNECT, f"GitHub App {app.app_id}", detail=app.url)


def page_of(services: Services, app: GitHubApp) -> str:
    """Where GitHub shows the App; of one from the settings only GitHub knows.

    Empty while GitHub does not say.
    """
    if app.url:
        return app.url
    try:
        return services.github.app_page()
    except CoppiceError:
        return ""


def disconnect(permitted: Permitted[Services, Operate]) -> None:
    """Forget the App that was stored. Databases stay; nothing is heard of GitHub until another."""
    services = permitted.subject
    app = services.github_app.current(is_fresh=True)
    services.github_app.forget()
    if app is not None:
        services.record(AuditEvent.SETUP_FORGET, f"GitHub App {app.app_id}", detail=app.url)
