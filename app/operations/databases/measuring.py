"""Measuring: how large databases are and how their servers do, for pages, comments and limits."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from app.core.databases import DatabaseState
from app.core.errors import CoppiceError, NotFound, ServerUnreachable
from app.core.findings import ServerReport
from app.core.hosts import NotHere
from app.core.identifiers import DatabaseId, InstanceId
from app.core.instances import Instance
from app.core.intents import MeasureInstance
from app.operations.databases import elsewhere, encryption, freezing, limits
from app.operations.services import Services

KEPT = timedelta(days=90)
# A server that does not answer is shown as failing: its return should show soon.
_ASKED_AGAIN_SECONDS = 60


def measure_everything(services: Services) -> None:
    """Queue a measurement of each instance, so that one that is away holds up no other."""
    services.store.measurements.forget(before=services.clock() - KEPT)
    services.store.queue.add(
        [MeasureInstance(instance_id=instance.id) for instance in services.store.instances.all()]
    )


def measure_instance(services: Services, instance_id: InstanceId) -> None:
    """Record sizes and findings, or why there are none; then apply what limits say."""
    try:
        ask(services, services.store.instances.get(instance_id))
    except NotFound:
        return  # deleted meanwhile
    except NotHere:
        raise  # its own machine does it
    except CoppiceError:  # recorded
        again = MeasureInstance(instance_id=instance_id, delay_seconds=_ASKED_AGAIN_SECONDS)
        services.store.queue.add([again])
        return
    freezing.enforce(services, instance_id)
    limits.apply(services, instance_id)


def ask(services: Services, instance: Instance) -> ServerReport:
    """Record sizes and findings, and return these. Looks at nothing inside a database.

    Raises what the server, or the way to it, says against it; that is recorded too.
    """
    at = services.clock()
    try:
        report = encryption.probe(services, instance)
        measured = services.server_for(instance).sizes()
    except NotHere:
        raise  # that says nothing against it
    except CoppiceError as error:
        services.store.measurements.record_failure(
            instance.id, at=at, problem=str(error), advice=error.advice
        )
        raise
    by_name = {
        database.name: database.id
        for database in services.store.databases.all(instance_id=instance.id)
        if database.state is not DatabaseState.CREATING
    }
    sizes = {by_name[one.name]: one.size_bytes for one in measured if one.name in by_name}
    _record(services, instance, report, at=at, sizes=sizes)
    return report


def ask_for_person(services: Services, instance: Instance) -> ServerReport:
    """The same, by the machine that the server stands on, which is waited for.

    Raises OnAnotherHost when that is silent.
    """
    if services.store.hosts.is_here(instance):
        return ask(services, instance)
    found = elsewhere.measured(services.store, instance)
    if found.problem:
        raise ServerUnreachable(found.problem, advice=found.advice)
    return ServerReport(
        version=found.version or "",
        findings=found.findings,
        system_identifier=found.system_identifier,
    )


def keep(services: Services, instance: Instance, report: ServerReport) -> None:
    """Record what a test found of a new instance, on which nothing is that has a size."""
    _record(services, instance, report, at=services.clock(), sizes={})
    keep_trial(services, instance, report)


def keep_trial(services: Services, instance: Instance, report: ServerReport) -> None:
    """Record what was tried, if something was."""
    if report.tried:
        services.store.measurements.record_trial(
            instance.id, at=services.clock(), steps=report.tried
        )


def _record(
    services: Services,
    instance: Instance,
    report: ServerReport,
    *,
    at: datetime,
    sizes: Mapping[DatabaseId, int],
) -> None:
    services.store.measurements.record(
        instance.id, at=at, report=report, sizes=sizes, free_bytes=services.free_bytes(instance)
    )
