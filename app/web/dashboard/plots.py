"""The plots of an app: how long a database's migrations took, and how large it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import amounts
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import AppId
from app.core.plots import Plot, Point, plot
from app.operations.services import Services

SINCE = timedelta(days=90)
_RUNS = 200
_LEAST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Both plots of one database, over the same time."""

    database: Database
    choices: tuple[Database, ...]
    start: datetime
    end: datetime
    durations: Plot
    sizes: Plot

    @property
    def is_empty(self) -> bool:
        return not self.durations.dots and not self.sizes.dots


def drawing(
    services: Services, app_id: AppId, databases: Sequence[Database], wanted: str
) -> Drawing | None:
    """The plots of the wanted database, or of the first; None while there is no database."""
    choices = tuple(
        one for one in databases if one.is_live and one.state is not DatabaseState.DELETED
    )
    chosen = next((one for one in choices if str(one.id) == wanted), None)
    if chosen is None:
        if not choices:
            return None
        chosen = min(choices, key=_interest)
    end = services.clock()
    durations = _durations(services, app_id, chosen, since=end - SINCE)
    sizes = [
        Point(at=each.measured_at, value=each.size_bytes, label=amounts.size(each.size_bytes))
        for each in services.store.measurements.history(app_id, since=end - SINCE)
        if each.database_id == chosen.id
    ]
    first = min((point.at for point in (*durations, *sizes)), default=end)
    start = min(first, end - _LEAST)
    return Drawing(
        database=chosen,
        choices=choices,
        start=start,
        end=end,
        durations=plot(durations, start=start, end=end),
        sizes=plot(sizes, start=start, end=end),
    )


def _interest(database: Database) -> tuple[bool, bool, str]:
    """What people want to see first: production, once it was migrated."""
    is_production = database.environment is Environment.PRODUCTION
    return database.migrated_at is None, not is_production, database.name


def _durations(
    services: Services, app_id: AppId, database: Database, *, since: datetime
) -> list[Point]:
    found = [
        Point(
            at=each.started_at,
            value=each.duration_seconds,
            label=f"{amounts.duration(each.duration_seconds)}, {each.result}",
            is_bad=not each.has_ended_well,
        )
        for past in services.store.history.of_app(app_id, limit=_RUNS)
        for each in past.migrations
        if each.database_id == database.id
        and each.duration_seconds is not None
        and each.started_at >= since
    ]
    return sorted(found, key=lambda point: point.at)
