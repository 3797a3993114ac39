"""How many requests of one kind may be under way at once: nobody takes all threads."""

import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from app.core.databases import Database
from app.core.errors import TransientError

# What goes as usual takes less: for one of those it is worth waiting.
_USUAL_SECONDS = 0.5

# Of the four threads of a web process that answer jobs, and of the four that answer people: what
# one app's databases hold up leaves some to the others of its server, and these to other servers.
MOST_OF_APP = 2
MOST_OF_INSTANCE = 3


class TooManyAtOnce(TransientError):
    """The same job asks for too much at once, or many for what is slow at the moment."""

    code = "too_many_requests"
    http_status = 429
    advice = "Nothing to do but to ask again in a moment."
    retry_after_seconds = 2


class Crowd:
    """Who is inside. One for each process; thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: dict[Hashable, list[float]] = {}
        """When each came in."""

    @contextmanager
    def place(self, kind: Hashable, *, most: int) -> Iterator[None]:
        """Be one of at most so many of a kind; raises TooManyAtOnce rather than wait for long."""
        since = self._enter(kind, most)
        try:
            yield
        finally:
            self._leave(kind, since)

    @contextmanager
    def place_at(self, database: Database, *, who: str) -> Iterator[None]:
        """Be one of few who use databases of an app, and of a server. Raises TooManyAtOnce."""
        with (
            self.place((who, database.app_id), most=MOST_OF_APP),
            self.place((who, database.instance_id), most=MOST_OF_INSTANCE),
        ):
            yield

    def _enter(self, kind: Hashable, most: int) -> float:
        came_at = time.monotonic()
        with self._changed:
            while len(inside := self._inside.get(kind, [])) >= most:
                # Where all have been inside for longer than usual, nobody waits for them.
                left = min(came_at, max(inside)) + _USUAL_SECONDS - time.monotonic()
                if left <= 0:
                    raise TooManyAtOnce("Too many requests are waiting already.")
                self._changed.wait(left)
            since = time.monotonic()
            self._inside.setdefault(kind, []).append(since)
            return since

    def _leave(self, kind: Hashable, since: float) -> None:
        with self._changed:
            self._inside[kind].remove(since)
            if not self._inside[kind]:
                del self._inside[kind]
            self._changed.notify_all()
