"""Measuring: how large databases are and how their servers do, for pages, comments and limits."""

from datetime import timedelta

from app.core.databases import DatabaseState
from app.core.errors import CoppiceError, NotFound
from app.core.identifiers import InstanceId
from app.core.intents import MeasureInstance
from app.operations.databases import freezing
from app.operations.services import Services

KEPT = timedelta(days=90)


def measure_everything(services: Services) -> None:
    """Queue a measurement of each instance, so that one that is away holds up no other."""
    services.measurements.forget(before=services.clock() - KEPT)
    services.queue.add(
        [MeasureInstance(instance_id=instance.id) for instance in services.instances.all()]
    )


def measure_instance(services: Services, instance_id: InstanceId) -> None:
    """Record sizes and findings, or why there are none. Looks at nothing inside a database."""
    try:
        instance = services.instances.get(instance_id)
    except NotFound:
        return  # deleted meanwhile
    at = services.clock()
    try:
        server = services.server_for(instance)
        report, measured = server.probe(), server.sizes()
    except CoppiceError as error:
        services.measurements.record_failure(
            instance_id, at=at, problem=str(error), advice=error.advice
        )
        return
    by_name = {
        database.name: database.id
        for database in services.databases.all(instance_id=instance_id)
        if database.state is not DatabaseState.CREATING
    }
    sizes = {by_name[one.name]: one.size_bytes for one in measured if one.name in by_name}
    services.measurements.record(
        instance_id,
        at=at,
        report=report,
        sizes=sizes,
        free_bytes=services.free_bytes(instance),
    )
    freezing.enforce(services, instance_id)
