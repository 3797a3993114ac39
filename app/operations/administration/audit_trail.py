"""Looking through the audit trail."""

from collections.abc import Sequence

from app.core.audit import AuditEntry, called
from app.operations.services import Services


def search(
    services: Services, text: str, *, limit: int, before: int | None
) -> Sequence[AuditEntry]:
    """The newest entries that hold the text, or whose action is called so; newest first."""
    actions = called(text) if text else []
    return services.audit.latest(limit=limit, before=before, containing=text, actions=actions)
