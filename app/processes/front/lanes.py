"""Which threads a request gets: what must always be answered is never behind what may take long."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Lane(StrEnum):
    """A kind of request."""

    WEBHOOKS = "webhooks"
    HEALTH = "health"
    STATE = "state"
    """Readiness and metrics, which ask the state database."""
    RENEWALS = "renewals"
    RUNS = "runs"
    """The Action's other requests: these may wait for GitHub and for a tenant's server."""
    PAGES = "pages"
    """Everything that people ask for, and their programs."""
    STREAMS = "streams"
    """A body of unknown length, which a thread has to read while it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a lane has in each process."""

    threads: int
    waiting: int
    """Requests that may wait for one of them; the next one is turned away."""


# A request uses at most two connections of the state database, one of them for a lock: together
# the lanes need no more than the pool has.
ROOMS = {
    Lane.WEBHOOKS: Room(threads=2, waiting=200),
    Lane.HEALTH: Room(threads=1, waiting=20),
    Lane.STATE: Room(threads=1, waiting=20),
    Lane.RENEWALS: Room(threads=1, waiting=100),
    Lane.RUNS: Room(threads=4, waiting=60),
    Lane.PAGES: Room(threads=4, waiting=60),
    Lane.STREAMS: Room(threads=2, waiting=10),
}

_LANES = {
    "/webhooks/github": Lane.WEBHOOKS,
    "/healthz": Lane.HEALTH,
    "/readyz": Lane.STATE,
    "/readyz/web": Lane.STATE,
    "/metrics": Lane.STATE,
}
_RENEWAL = re.compile(r"/api/v1/runs/[0-9]+/databases/[a-z]+/renew")


def lane_of(path: str) -> Lane:
    """The lane of a path as it was sent: another way of writing it leads to a lesser one."""
    if lane := _LANES.get(path):
        return lane
    if _RENEWAL.fullmatch(path):
        return Lane.RENEWALS
    is_of_run = path == "/api/v1/runs" or path.startswith("/api/v1/runs/")
    return Lane.RUNS if is_of_run else Lane.PAGES
