"""Apps as lines of a list: how many databases of each are in which state."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.databases import DatabaseState
from app.core.hosts import silent_host
from app.operations.administration.assigned import Assigned
from app.operations.services import Services

# What needs a person stands first.
_ORDER = (
    DatabaseState.ERROR,
    DatabaseState.CREATING,
    DatabaseState.READY,
    DatabaseState.DELETED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An app."""

    assigned: Assigned
    counts: tuple[tuple[DatabaseState, int], ...]
    """Of the states that its databases are in."""
    is_away: bool
    """Its server did not answer when it was last asked, or its machine is silent."""

    @property
    def needs_somebody(self) -> bool:
        return self.is_away or any(state is DatabaseState.ERROR for state, _ in self.counts)


def lines(services: Services, apps: Sequence[Assigned]) -> list[Line]:
    """Those with errors first, each in the order that was given; read together."""
    states = services.apps.database_states([one.assignment.app.id for one in apps])
    servers = services.measurements.of_instances({one.instance.id for one in apps})
    hosts = services.hosts.known()
    silent = {
        one.instance.id
        for one in apps
        if silent_host(one.instance, hosts, here=services.hosts.here) is not None
    }
    away = silent | {instance_id for instance_id, one in servers.items() if one.failure is not None}
    found = []
    for one in apps:
        counted = states.get(one.assignment.app.id, {})
        found.append(
            Line(
                assigned=one,
                counts=tuple((state, counted[state]) for state in _ORDER if state in counted),
                is_away=one.instance.id in away,
            )
        )
    return sorted(found, key=lambda line: not line.needs_somebody)
