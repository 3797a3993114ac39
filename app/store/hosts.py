"""Machines that Coppice runs on, in the state database."""

import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import LiteralString

from app.core.hosts import SILENT, Host, TwinHost
from app.core.identifiers import HostId, InstanceId
from app.core.instances import Instance, InstanceKind
from app.core.queues import queue_of
from app.store.connection import StatePool
from app.store.tables import Table

_SURE_SECONDS = 5.0
"""For how long a look at whether this machine is the only one of its id is good."""

# A worker's sign of life renews the time; others only see that the id is free, or ours.
_CLAIM: LiteralString = """
    INSERT INTO hosts AS known (id, name, place, seen_at)
    VALUES (%(id)s, %(name)s, %(place)s, now())
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, place = excluded.place,
        seen_at = CASE WHEN %(is_alive)s OR known.place NOT IN (excluded.place, '') THEN now()
            ELSE known.seen_at END
    WHERE known.place IN (excluded.place, '') OR known.seen_at < now() - %(silent)s
"""
_ALL: LiteralString = "SELECT id, name, seen_at, seen_at < now() - %s AS is_silent FROM hosts"
_ADOPT: LiteralString = """
    UPDATE instances SET host_id = %s
    WHERE id = ANY (%s) AND host_id IS NULL AND kind = 'provisioned'
"""
# So that its queue is seen standing still, should it ever.
_HAS_QUEUE: LiteralString = """
    INSERT INTO queue_activity (queue_name) VALUES (%s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """This machine, as it introduces itself."""

    id: HostId
    name: str
    place: str
    """Another for each copy of a data directory, and after each start of the machine."""


class Hosts(Table):
    """Machines with a data directory. Thread-safe."""

    def __init__(self, pool: StatePool, here: Here) -> None:
        super().__init__(pool)
        self._here = here
        self._sure_until = 0.0
        self._has_queue = False

    @property
    def here(self) -> HostId:
        """The machine of this process."""
        return self._here.id

    @property
    def name(self) -> str:
        """What that calls itself, and its data directory: see `Host`."""
        return self._here.name

    def is_here(self, instance: Instance) -> bool:
        """Whether its server can be reached from here: it is linked, or stands on this machine."""
        return instance.kind is not InstanceKind.PROVISIONED or instance.host == self._here.id

    def claim(self) -> None:
        """See that no other place has the id of this machine, and store what it is called.

        Raises TwinHost when another one gave a sign of life in the last half minute.
        """
        if time.monotonic() > self._sure_until:
            self._sign(is_alive=False)

    def sign(self) -> None:
        """A worker of this machine gives a sign of life. Raises TwinHost as `claim`."""
        self._sign(is_alive=True)
        if not self._has_queue:
            self._change(_HAS_QUEUE, [queue_of(self._here.id)])
            self._has_queue = True

    def release(self) -> None:
        """No worker works here any more: who has this id next need not wait for silence."""
        self._change(
            "UPDATE hosts SET place = '' WHERE id = %s AND place = %s",
            [self._here.id, self._here.place],
        )

    def adopt(self, instance_ids: Collection[InstanceId]) -> None:
        """Provisioned instances of which no machine is known are this one's from now on."""
        self._change(_ADOPT, [self._here.id, list(instance_ids)])

    def of(self, instance: Instance) -> Host | None:
        """The machine that a provisioned instance stands on."""
        return self.known().get(instance.host) if instance.host else None

    def known(self) -> Mapping[HostId, Host]:
        """All that were ever heard of."""
        return {host.id: host for host in self._all(Host, _ALL, [SILENT])}

    def _sign(self, *, is_alive: bool) -> None:
        values = {**asdict(self._here), "is_alive": is_alive, "silent": SILENT}
        if not self._change(_CLAIM, values):
            self._sure_until = 0.0
            raise TwinHost(self.known()[self._here.id])
        self._sure_until = time.monotonic() + _SURE_SECONDS
