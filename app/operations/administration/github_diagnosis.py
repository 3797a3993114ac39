"""Whether GitHub knows the App as the service needs it."""

from collections.abc import Iterator

from app.core.github_app import (
    EVENTS,
    WAY_INTO_REACH,
    WEBHOOK_PATH,
    WRITE,
    Right,
    way_to_connect,
    why_out_of_reach,
)
from app.operations.administration.diagnosis import Diagnosis, Health, ok, warning
from app.operations.administration.surroundings import Registration, Surroundings
from app.operations.services import Services


def github(
    services: Services, surroundings: Surroundings, permissions: tuple[Right, ...]
) -> Iterator[Diagnosis]:
    """The App, its rights, its events and the log-in. Raises GitHubUnavailable."""
    app = services.github_app.current()
    if app is None:
        obstacle = why_out_of_reach(services.public_url, github_url=services.github_url)
        yield warning(
            "GitHub App",
            f"not connected. {obstacle}" if obstacle else "not connected",
            f"{WAY_INTO_REACH} Then start it again."
            if obstacle
            else way_to_connect(services.public_url),
        )
        return
    registration = surroundings.registration(app)
    yield ok("GitHub App", f"GitHub knows it as {registration.slug}")
    yield from _rights(registration, permissions)
    if not app.can_log_in:
        yield warning(
            "log-in",
            "nobody can log in through GitHub",
            "Set COPPICE_GITHUB_CLIENT_ID and COPPICE_GITHUB_CLIENT_SECRET of the App.",
        )
    wanted = services.public_url + WEBHOOK_PATH
    if registration.webhook_url not in (None, wanted):
        yield Diagnosis(
            what="webhook",
            health=Health.BROKEN,
            words=f"the App sends events to {registration.webhook_url}",
            advice=f"Set its webhook URL to {wanted}, or correct COPPICE_PUBLIC_URL.",
        )


def _rights(registration: Registration, needed: tuple[Right, ...]) -> Iterator[Diagnosis]:
    lacking = [
        f"{right.name}: {right.level}"
        for right in needed
        if registration.permissions.get(right.name) not in (right.level, WRITE)
    ]
    if lacking:
        yield Diagnosis(
            what="permissions",
            health=Health.BROKEN,
            words=f"the App lacks {', '.join(lacking)}",
            advice=f"Add them on the App's page ({registration.url}) and accept them where the App"
            " is installed.",
        )
    unheard = sorted({event.name for event in EVENTS} - registration.events)
    if unheard:
        yield Diagnosis(
            what="events",
            health=Health.BROKEN,
            words=f"the App does not subscribe to {', '.join(unheard)}",
            advice=f"Tick these events on the App's page ({registration.url}).",
        )
