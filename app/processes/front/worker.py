"""gunicorn's threaded worker with another front: threads see whole requests, each lane its own.

gunicorn's own gives each new connection to a thread, which waits for its head, reads its body and
sends its answer: as many connections as there are threads, which send or read nothing, hold up
everything. Here the main loop does all that, for many connections at once.
"""

import errno
import functools
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from app.processes.front.connection import BODY_SECONDS, PIECE_BYTES, Connection, Phase, Turn
from app.processes.front.lanes import ROOMS, Lane

# Of requests that come in and answers that go out, in all.
MOST_HELD_BYTES = 256 * 1024 * 1024
# Who asked has given up by then.
LONGEST_WAIT_SECONDS = 15.0
_LOOK_SECONDS = 0.5
_BUSY_BODY = (
    b'{"error":"overloaded","message":"Too many requests of this kind wait already.",'
    b'"advice":"Nothing to do: ask again in a moment.","retry_after":5}\n'
)
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
    b"Cache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
    % (len(_BUSY_BODY), _BUSY_BODY)
)
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


class FrontWorker(ThreadWorker):  # type: ignore[misc]
    """Everything but `handle` runs in the main loop, which never waits for one connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._open: dict[Connection, None] = {}
        """In the order in which they came."""
        self._looked_at = 0.0

    def get_thread_pool(self) -> Pools:
        return Pools()

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection, in the place of another when there are too many."""
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in {errno.EMFILE, errno.ENFILE}:
                self._make_room()
            return
        connection = Connection(self.cfg, sock, client, listener.getsockname())
        connection.begin(Phase.READING, now=time.monotonic())
        self._open[connection] = None
        self.nr_conns = len(self._open)
        if self.nr_conns >= self.worker_connections:
            self._make_room()
        if connection in self._open:
            self._watch(connection, selectors.EVENT_READ)

    def handle(self, connection: Connection) -> bool:
        """Answer one whole request, in a thread of its lane; whether another may follow."""
        if time.monotonic() - connection.since > LONGEST_WAIT_SECONDS:
            connection.outgoing = memoryview(BUSY)
            return False
        is_stream = connection.incoming.lane is Lane.STREAMS
        connection.sock.settimeout(BODY_SECONDS if is_stream else 0)
        turn = Turn(connection)
        is_kept: bool = super().handle(turn)
        connection.outgoing = memoryview(bytes(turn.sock.answer))
        if is_stream:
            # What was read of the next request cannot be had back.
            return False
        return is_kept and not connection.incoming.is_cut

    def finish_request(self, connection: Connection, done: Future[bool]) -> None:
        """Send the answer."""
        self.tpool.left(connection.incoming.lane)
        connection.sock.settimeout(0)
        connection.is_kept = not done.cancelled() and done.exception() is None and done.result()
        connection.begin(Phase.SENDING, now=time.monotonic())
        self._send(connection)

    def murder_pending(self) -> None:
        """Look after what took too long; gunicorn's loop calls this at least once a second."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        for connection in [each for each in self._open if each.deadline <= now]:
            incoming = connection.incoming
            if connection.phase is Phase.READING and incoming.has_head:
                self._submit(connection)  # the application says what it misses
            else:
                self._close(connection)
        while sum(connection.held_bytes for connection in self._open) > MOST_HELD_BYTES:
            if not self._make_room(least_bytes=PIECE_BYTES):
                break

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's
        """At the very end: close all."""
        for connection in list(self._open) if force else ():
            self._close(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        """The worker stops: whoever has asked for nothing yet has until then."""
        for connection in self._open:
            if connection.phase is Phase.READING and not connection.incoming.received:
                connection.deadline = min(connection.deadline, deadline)

    def _make_room(self, *, least_bytes: int = 0) -> bool:
        """Close the one that nobody works on and that has been at the same thing for longest."""
        resting = [
            connection
            for connection in self._open
            if connection.phase is not Phase.WORKING and connection.held_bytes >= least_bytes
        ]
        if resting:
            self._close(min(resting, key=lambda connection: connection.since))
        return bool(resting)

    def _on_event(self, connection: Connection, _sock: socket.socket) -> None:
        if connection not in self._open:
            return  # it gave way to another whose event came with this one
        if connection.phase is Phase.SENDING:
            self._send(connection)
            return
        is_more_to_come = connection.receive(now=time.monotonic())
        incoming = connection.incoming
        if connection.phase is Phase.CLOSING:
            if not is_more_to_come:
                self._close(connection)
        elif incoming.is_whole or (incoming.has_head and not is_more_to_come):
            self._submit(connection)
        elif not is_more_to_come:
            self._close(connection)

    def _submit(self, connection: Connection) -> None:
        """Give a request to a thread of its lane, or turn it away when too many wait for one."""
        self._watch(connection, 0)
        if not self.tpool.enter(connection.incoming.lane):
            connection.is_kept, connection.outgoing = False, memoryview(BUSY)
            connection.begin(Phase.SENDING, now=time.monotonic())
            self._send(connection)
            return
        connection.begin(Phase.WORKING, now=time.monotonic())
        future = self.tpool.submit(connection.incoming.lane, self.handle, connection)
        future.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, connection, done)
        )

    def _send(self, connection: Connection) -> None:
        now = time.monotonic()
        if not connection.send(now=now):
            self._close(connection)
        elif connection.outgoing:
            self._watch(connection, selectors.EVENT_WRITE)
        elif connection.is_kept:
            connection.wait_for_next(now=now)
            self._watch(connection, selectors.EVENT_READ)
            if connection.incoming.is_whole:
                self._submit(connection)
        else:
            connection.say_no_more()
            connection.begin(Phase.CLOSING, now=now)
            self._watch(connection, selectors.EVENT_READ)

    def _watch(self, connection: Connection, events: int) -> None:
        if connection.events and events != connection.events:
            self.poller.unregister(connection.sock)
        if events and events != connection.events:
            callback = functools.partial(self._on_event, connection)
            self.poller.register(connection.sock, events, callback)
        connection.events = events

    def _close(self, connection: Connection) -> None:
        self._watch(connection, 0)
        del self._open[connection]
        self.nr_conns = len(self._open)
        connection.close()
