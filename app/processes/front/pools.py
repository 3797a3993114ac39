"""The threads of one web process, by lane."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from app.processes.front.lanes import ROOMS, Lane

T = TypeVar("T")


class Pools:
    """A pool for each lane. `enter`, `submit` and `left` are for the main loop alone."""

    def __init__(self) -> None:
        self._pools = {
            lane: ThreadPoolExecutor(room.threads, thread_name_prefix=lane.value)
            for lane, room in ROOMS.items()
        }
        self._inside = dict.fromkeys(ROOMS, 0)

    def enter(self, lane: Lane) -> bool:
        """Take a place in the lane; False when all are taken."""
        room = ROOMS[lane]
        if self._inside[lane] >= room.threads + room.waiting:
            return False
        self._inside[lane] += 1
        return True

    def left(self, lane: Lane) -> None:
        """Give a place back."""
        self._inside[lane] -= 1

    def submit(self, lane: Lane, work: Callable[..., T], *arguments: object) -> Future[T]:
        """Have it done by a thread of the lane."""
        return self._pools[lane].submit(work, *arguments)

    def shutdown(self, *, wait: bool = True) -> None:
        """Begin nothing more."""
        for pool in self._pools.values():
            pool.shutdown(wait=wait)
