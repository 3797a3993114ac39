"""Databases as people look at them: what is known of each beside its own row."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.databases import Database
from app.core.identifiers import DatabaseName
from app.core.pages import run_page
from app.core.runs import LastMigration
from app.operations.databases import limits
from app.operations.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDatabase:
    """A database, its size and its last migration."""

    database: Database
    repository_name: str | None
    """`OWNER/REPO`; None: it is not known any more."""
    instance_name: str
    size_bytes: int | None
    """As last measured."""
    over_limit: str | None
    """What people should know of that size."""
    is_away: bool
    """Its server did not answer when it was last asked: the state is from before."""
    last: LastMigration | None
    """What a run tried last, whatever came of it; None: nothing yet."""
    parent: DatabaseName | None
    """The template that it began as; None: it began empty."""
    run_url: str | None
    """Where the dashboard shows that run."""


def known(services: Services, databases: Sequence[Database]) -> list[KnownDatabase]:
    """Read together, so that the number of queries does not grow with that of databases."""
    ids = [one.id for one in databases]
    instances = {one.id: one.name for one in services.store.instances.all()}
    measured = services.store.measurements.of_instances({one.instance_id for one in databases})
    sizes = services.store.measurements.sizes(ids)
    remarks = limits.remarks(services.store, databases, sizes)
    migrations = services.store.history.last_migrations(ids)
    apps = services.store.apps.known({one.app_id for one in databases})
    parents = services.store.databases.names({p for one in databases if (p := one.cloned_from)})
    repositories = services.store.repositories.known({app.repository_id for app in apps.values()})
    found = []
    for one in databases:
        app = apps.get(one.app_id)
        repository = repositories.get(app.repository_id) if app else None
        measurement, last = measured.get(one.instance_id), migrations.get(one.id)
        found.append(
            KnownDatabase(
                database=one,
                repository_name=repository.full_name if repository else None,
                instance_name=instances[one.instance_id],
                size_bytes=sizes.get(one.id),
                over_limit=remarks.get(one.id),
                is_away=measurement is not None and measurement.failure is not None,
                last=last,
                parent=parents[one.cloned_from] if one.cloned_from else None,
                run_url=_run_url(services, one, last) if last else None,
            )
        )
    return found


def _run_url(services: Services, database: Database, last: LastMigration) -> str:
    return run_page(services.public_url, database.app_id, last.run_id)
