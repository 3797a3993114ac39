"""One connection: what it is at, how long it may take, and what is still to be sent on it."""

import socket
from contextlib import suppress
from enum import Enum, auto
from typing import Any

from app.processes.front.incoming import Incoming

PIECE_BYTES = 64 * 1024
IDLE_SECONDS = 15.0
HEAD_SECONDS = 10.0
# GitHub gives a delivery up after ten seconds, so nobody waits for a slower one.
BODY_SECONDS = 10.0
# Without any progress; whoever reads on, however slowly, gets the whole answer.
STALLED_SECONDS = 20.0
LONGEST_ANSWER_SECONDS = 300.0
# https://www.rfc-editor.org/rfc/rfc9112#section-9.6
LINGER_SECONDS = 2.0


class Phase(Enum):
    """What a connection is at."""

    READING = auto()
    """A request comes in, or none has begun."""
    WORKING = auto()
    """A thread has the request."""
    SENDING = auto()
    CLOSING = auto()
    """The answer is out; what still comes is thrown away, so that the answer is not lost."""


class Connection:
    """Used by the worker's main loop alone, but for the time in which a thread works on it."""

    def __init__(self, settings: Any, sock: socket.socket, client: Any, server: Any) -> None:
        self.sock = sock
        self.client = client
        self.server = server
        self.incoming = Incoming(settings, client)
        self.outgoing = memoryview(b"")
        self.is_kept = False
        self.events = 0
        """What the poller looks for."""
        self.phase = Phase.READING
        self.since = self.deadline = 0.0
        self._settings = settings
        sock.settimeout(0)

    @property
    def held_bytes(self) -> int:
        """How much memory it takes."""
        return len(self.incoming.received) + len(self.outgoing)

    def begin(self, phase: Phase, *, now: float) -> None:
        """Enter a phase; its time begins."""
        self.phase, self.since = phase, now
        self.deadline = (
            now
            + {
                Phase.READING: HEAD_SECONDS,
                Phase.WORKING: float("inf"),
                Phase.SENDING: STALLED_SECONDS,
                Phase.CLOSING: LINGER_SECONDS,
            }[phase]
        )

    def wait_for_next(self, *, now: float) -> None:
        """The answer is out, and another request may follow; its beginning may be there."""
        self.incoming = Incoming(self._settings, self.client, self.incoming.rest())
        self.begin(Phase.READING, now=now)
        if not self.incoming.received:
            self.deadline = now + IDLE_SECONDS

    def receive(self, *, now: float) -> bool:
        """Take what has come; False when nothing will come any more."""
        try:
            data = self.sock.recv(PIECE_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if self.phase is Phase.READING and data:
            self._take(data, now=now)
        return bool(data)

    def send(self, *, now: float) -> bool:
        """Send as much as the other side takes; False when it takes nothing any more."""
        try:
            sent = self.sock.send(self.outgoing) if self.outgoing else 0
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.outgoing = self.outgoing[sent:]
        if sent:
            self.deadline = min(now + STALLED_SECONDS, self.since + LONGEST_ANSWER_SECONDS)
        return True

    def say_no_more(self) -> None:
        """End our half: the other side sees that the answer is over."""
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with suppress(OSError):
            self.sock.close()

    def _take(self, data: bytes, *, now: float) -> None:
        had_head, was_idle = self.incoming.has_head, not self.incoming.received
        self.incoming.take(data)
        if self.incoming.has_head and not had_head:
            self.deadline = now + BODY_SECONDS
        elif was_idle:
            self.deadline = now + HEAD_SECONDS


class Turn:
    """A request in a thread, in the shape in which gunicorn's own worker handles a connection."""

    initialized = data_ready = True
    is_http2 = False

    def __init__(self, connection: Connection) -> None:
        self.client = connection.client
        self.server = connection.server
        self.sock = Outbox(connection.sock)
        self.parser = connection.incoming.parser(self.sock)

    def init(self) -> None:
        """Nothing: the request is there."""


class Outbox:
    """Stands for the socket in a thread: keeps the answer, which the main loop sends.

    So nobody who reads slowly holds a thread.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.answer = bytearray()
        self._sock = sock

    def sendall(self, data: bytes) -> None:
        self.answer += data

    def send(self, data: bytes) -> int:
        """At once: gunicorn tells the sender of a stream to go on."""
        return self._sock.send(data)

    def recv(self, size: int) -> bytes:
        return self._sock.recv(size)

    def shutdown(self, how: int) -> None:
        """The body of a stream took too long."""
        if how == socket.SHUT_RD:
            self._sock.shutdown(how)

    def setblocking(self, flag: object) -> None:
        """Leave it: the main loop says how the socket is used."""

    def gettimeout(self) -> float | None:
        return self._sock.gettimeout()

    def settimeout(self, seconds: float | None) -> None:
        self._sock.settimeout(seconds)

    def close(self) -> None:
        """Leave it: the main loop closes."""
