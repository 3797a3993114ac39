"""Carries a conversation between two sockets, in one thread, and never waits for one of them alone.

While one side does not read, the other is read on, up to a bound.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from typing import TYPE_CHECKING

from pgwire import messages

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgwire.trace.conversation import Conversation

_READ_BYTES = 1 << 18
_SEND_BYTES = 1 << 18
_BUFFER_BYTES = 1 << 20
"""Of the system, per direction: the fewer the turns, the less each waits for a processor."""
_TERMINATE = messages.frame(b"X", b"")
_MOST_KEPT_BYTES = 4 << 20
_SELECTOR: type[selectors.BaseSelector]
# Not the default one: these need no descriptor of their own, and are for two sockets as fast.
_SELECTOR = getattr(selectors, "PollSelector", selectors.SelectSelector)
_READ = selectors.EVENT_READ
_LATER = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _Side:
    """One of the two sockets, and what is to be sent on it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)  # noqa: FBT003
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            connection.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        self.connection = connection
        self._is_tls = isinstance(connection, ssl.SSLSocket)
        self.awaited = 0
        """The events that a selector waits for."""
        self._out = bytearray()

    @property
    def is_behind(self) -> bool:
        return bool(self._out)

    @property
    def is_full(self) -> bool:
        return len(self._out) >= _MOST_KEPT_BYTES

    @property
    def has_more(self) -> bool:
        """Whether there is something to read of which the socket itself shows nothing."""
        return self._is_tls and self.connection.pending() > 0  # type: ignore[attr-defined]

    def send(self, data: bytes) -> None:
        if not self._out:
            data = data[self._sent(data[:_SEND_BYTES]) :]
        self._out += data

    def flush(self) -> None:
        while self._out:
            sent = self._sent(bytes(self._out[:_SEND_BYTES]))
            if not sent:
                return
            del self._out[:sent]

    def _sent(self, data: bytes) -> int:
        try:
            return self.connection.send(data) if data else 0
        except _LATER:
            return 0

    def read(self) -> bytes | None:
        """Give what came; empty at its end, None where there is nothing yet."""
        try:
            return self.connection.recv(_READ_BYTES)
        except _LATER:
            return None


def carry(
    client: socket.socket,
    server: socket.socket,
    conversation: Conversation,
    *,
    before_change: Callable[[], object],
    before_end: Callable[[], None],
) -> None:
    """Go on until either side ends. Raises OSError, and whatever the conversation raises.

    At its end, what one side said before it left has reached the other. `before_change` is called
    once, before the server gets what may change its schema, and `before_end` when the client has
    left and the server does not know yet. Meanwhile nothing is carried.
    """
    here, there = _Side(client), _Side(server)
    selector = _SELECTOR()
    while True:
        readable = _wait(selector, here, there)
        if there in readable:
            data = there.read()
            if data == b"":
                _deliver(here)
                return
            if data:
                here.send(conversation.from_server(data))
        if here in readable:
            data = here.read()
            if data:
                there.send(_said(conversation, data, before_change))
            if data == b"" or conversation.has_left:
                before_end()
                server.setblocking(False)  # noqa: FBT003
                there.send(_TERMINATE if conversation.has_left else b"")
                _deliver(there)
                return


def _said(conversation: Conversation, data: bytes, before_change: Callable[[], object]) -> bytes:
    is_unchanged = not conversation.may_change_schema
    said = conversation.from_client(data)
    if is_unchanged and conversation.may_change_schema:
        before_change()
    return said


def _wait(selector: selectors.BaseSelector, here: _Side, there: _Side) -> list[_Side]:
    """Wait until something can be read, and send meanwhile what can be sent."""
    sides = (here, there)
    if not any(side.is_behind or side.has_more or side.awaited != _READ for side in sides):
        return [key.data for key, _ in selector.select()]  # nearly always
    wanted = [side for side, other in ((here, there), (there, here)) if not other.is_full]
    ready = [side for side in wanted if side.has_more]
    if ready:
        for side in sides:
            side.flush()
        return ready
    for side in sides:
        reading = selectors.EVENT_READ if side in wanted else 0
        _await(selector, side, reading | (selectors.EVENT_WRITE if side.is_behind else 0))
    happened = [(key.data, events) for key, events in selector.select()]
    for side, events in happened:
        if events & selectors.EVENT_WRITE:
            side.flush()
    return [side for side, events in happened if events & selectors.EVENT_READ]


def _await(selector: selectors.BaseSelector, side: _Side, events: int) -> None:
    if events == side.awaited:
        return
    if side.awaited:
        selector.unregister(side.connection)
    if events:
        selector.register(side.connection, events, side)
    side.awaited = events


def _deliver(side: _Side) -> None:
    """Send all that is left, say that there is no more, and hear what is still said.

    To close a socket with something unread in it would take back what was sent before.
    """
    selector = _SELECTOR()
    side.awaited = 0
    while side.is_behind:
        _await(selector, side, selectors.EVENT_WRITE)
        selector.select()
        side.flush()
    side.connection.shutdown(socket.SHUT_WR)
    while True:
        _await(selector, side, selectors.EVENT_READ)
        selector.select()
        if side.read() == b"":
            return
