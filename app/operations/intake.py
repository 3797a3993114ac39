"""Taking in deliveries of webhooks: what is known decides what each of them causes."""

from app.core.decisions import decide
from app.core.events import Event, InstallationChanged
from app.core.intents import Intent, ReconcileInstallation
from app.store.deliveries import Deliveries, Delivery


def take_in(deliveries: Deliveries, delivery: Delivery, event: Event | None) -> str:
    """Store a delivery together with the jobs that it causes; durable when this returns.

    Takes two statements at most. Nothing is locked between them: what changes meanwhile queues jobs
    of its own, and a job looks at GitHub's live state whatever it was queued for.

    Returns `queued`, `nothing`, `ignored` (an event that is not handled) or `duplicate`.
    """
    intents = [] if event is None else _intents(deliveries, event)
    outcome = "ignored" if event is None else "queued" if intents else "nothing"
    is_new = deliveries.store(delivery, event, outcome=outcome, intents=intents)
    return outcome if is_new else "duplicate"


def _intents(deliveries: Deliveries, event: Event) -> list[Intent]:
    if isinstance(event, InstallationChanged):
        return [ReconcileInstallation(installation_id=event.installation_id)]
    known = deliveries.known(event)
    return decide(event, known) if known else []
