"""The way in for an operator without a GitHub account: a link that works once."""

from datetime import timedelta
from urllib.parse import urlencode

from app.core.audit import AuditEvent
from app.core.errors import Forbidden
from app.core.people import OPERATOR, Operate
from app.core.tokens import fingerprint
from app.operations.access import Permitted
from app.operations.services import Services

PATH = "/login/link"
LIFETIME = timedelta(hours=1)


def make(permitted: Permitted[Services, Operate]) -> str:
    """Make a link, for whoever has the machine; it works once, within an hour."""
    services = permitted.subject
    token = services.new_secret()
    services.store.login_links.add(fingerprint(token), expires_at=services.clock() + LIFETIME)
    return f"{services.public_url}{PATH}?{urlencode({'token': token})}"


def is_known(services: Services, token: str) -> bool:
    """Whether the link with this token still works."""
    return services.store.login_links.is_known(fingerprint(token), at=services.clock())


def use(services: Services, token: str) -> None:
    """Use the link up: who sent it is the operator. Raises Forbidden when it does not work."""
    if not services.store.login_links.take(fingerprint(token), at=services.clock()):
        raise expired()
    operator = services.acting_as(OPERATOR, source=services.source)
    operator.record(AuditEvent.LOG_IN, "dashboard", detail="by a link of the machine")


def expired() -> Forbidden:
    return Forbidden(
        "This link was used already, or is older than an hour.",
        advice="On the machine of the service, this makes another one: coppice login-link",
        code="link_expired",
    )
