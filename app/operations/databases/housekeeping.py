"""What happens by the clock: reconciling everything, recovering deliveries."""

from collections.abc import Callable
from datetime import timedelta

from app.core.databases import DatabaseState
from app.core.intents import CompareInstance, EnsureDatabase, Intent, ReconcileInstallation
from app.operations.databases import templates
from app.operations.databases.retention import due_drops
from app.operations.services import Services

# GitHub keeps deliveries for three days; it never sends one again by itself.
# https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
RECOVERY = timedelta(days=3)
DELIVERIES_KEPT_DAYS = 14
# As long as GitHub itself keeps workflow runs and their logs unless told otherwise. Of a run and a
# check the end of a log is kept.
# https://docs.github.com/en/organizations/managing-organization-settings/configuring-the-retention-period-for-github-actions-artifacts-and-logs-in-your-organization
HISTORY_KEPT = timedelta(days=90)
_FORGOTTEN_AT_ONCE = 5_000


def reconcile_everything(services: Services) -> None:
    """Look at every installation and instance, finish unfinished databases, drop what is due.

    Runs at start and every ten minutes; each installation is a job of its own, so that a failing
    answer about one holds back no other.
    """
    unfinished: list[Intent] = [
        EnsureDatabase(database_id=database.id)
        for database in services.store.databases.all()
        if database.state in {DatabaseState.CREATING, DatabaseState.ERROR}
    ]
    templates.retire_unused(services)
    services.store.queue.add([*unfinished, *due_drops(services)])
    services.store.queue.add(
        [CompareInstance(instance_id=instance.id) for instance in services.store.instances.all()]
    )
    services.store.outbox.requeue_lost()
    services.store.conversation.requeue_late()
    forget_history(services)
    stored = {repository.installation_id for repository in services.store.repositories.all()}
    live = {installation_id for installation_id, _ in services.github.installations()}
    services.store.queue.add(
        [
            ReconcileInstallation(installation_id=installation_id)
            for installation_id in stored | live
            if installation_id is not None
        ]
    )


def forget_history(services: Services) -> None:
    """Delete what nobody looks at any more, so that the state database stops growing."""
    services.store.deliveries.forget(older_than_days=DELIVERIES_KEPT_DAYS)
    before = services.clock() - HISTORY_KEPT
    services.store.runs.forget(before=before, most=_FORGOTTEN_AT_ONCE)
    services.store.outbox.forget(before=before, most=_FORGOTTEN_AT_ONCE)


def recover_deliveries(services: Services, *, should_stop: Callable[[], bool]) -> None:
    """Ask GitHub to send again what this service did not take in: after an outage, thousands.

    `should_stop` is asked before each; what is left then is asked for by the next look.
    """
    since = services.clock() - RECOVERY
    for delivery in services.github.failed_deliveries(since=since):
        if should_stop():
            return
        if not services.store.deliveries.has(delivery.guid):
            services.github.redeliver(delivery.id)
