"""Decides what of a connection's messages goes where, and puts looks in. No I/O.

Nothing waits here: a look travels behind its statement in the same flight, and all else is handed
on as it comes. What is under way stands in a queue: statements, looks, and the ends of flights.
https://www.postgresql.org/docs/current/protocol-flow.html
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from pgwire import messages
from pgwire.trace import look
from pgwire.trace.frames import Frames
from pgwire.trace.journal import IDLE, PAUSED
from pgwire.trace.sources import Source
from pgwire.trace.under_way import CopyEnd, FlightEnd, Look, Statement, copied_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgwire.trace.journal import Journal, Record
    from pgwire.trace.look import Habit
    from pgwire.trace.sources import Sources
    from pgwire.trace.under_way import Item

    Clock = Callable[[], float]

_UNASKED = frozenset(b"12n")
"""Answers that a simple Query does not have."""
_OF_LOOK = frozenset(b"123CDT")
_BEFORE_ROWS = frozenset(b"12T")
_NOTHING: frozenset[int] = frozenset()
_AT_ANY_TIME = frozenset(b"NAS")
_ERROR, _ROW, _COLUMNS, _CLOSED, _COMPLETE = b"EDT3C"
_IN_TRANSACTION = b"T"
_ENDS = {b"I": "", b"s": PAUSED}


class Puzzled(Exception):
    """The server answered what it was not asked."""


class Conversation:
    """One connection, from the end of its login on."""

    def __init__(
        self, journal: Journal, sources: Sources, habit: Habit, *, clock: Clock = time.monotonic
    ) -> None:
        self._journal = journal
        self._sources = sources
        self._habit = habit
        self._clock = clock
        self._client = Frames(_FROM_CLIENT)
        self._server = Frames(_FROM_SERVER)
        self._queue: deque[Item] = deque()
        self._look_rows: list[messages.Message] = []
        self._closes = 0
        self._held: list[bytes] = []
        """That a statement is complete, which may not be true yet, and what comes after it."""
        self._columns = b""
        """A description of rows that may never come."""
        self._paused: dict[bytes, Record] = {}
        self._with_looks = 0
        """So many of the queries under way have looks in them."""
        self._is_copying_in = False
        self._is_in_flight = False
        """Of the extended protocol: its Sync is still to come."""
        self._state = b""
        self.has_left = False
        """The client said so; the server is not told yet."""
        self.may_change_schema = False
        """Whether anything has come that does more than read, or nobody knows."""
        self.untraced: str | None = None
        """Why no more looks are sent, where that is so."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, and no transaction open."""
        return self.untraced is None and not self._queue and self._state == IDLE

    def stop(self, reason: str) -> None:
        """Send no more looks, and hand all on; the answers of those under way are still kept."""
        self.untraced = self.untraced or reason

    # --- from the client to the server -----------------------------------------------------------

    def from_client(self, data: bytes) -> bytes:
        """Take what the client sent; gives what the server gets."""
        if self.untraced is not None:
            self.may_change_schema = True
            return self._client.rest() + data
        out = self._client.handled(data, self._said_by_client)
        self._attend()
        if self._client.is_broken:
            self.stop("the client does not speak PostgreSQL's protocol")
        return out

    def _said_by_client(self, kind: int, raw: bytes) -> bytes:
        if self.untraced is not None:
            return raw
        forgotten = b""
        try:
            if kind in _WITH_TEXT:
                forgotten = self._forgotten(raw)
            return forgotten + _CLIENT[kind](self, raw)
        except Exception as error:  # whatever it is, it is not the user's loss
            self.stop(_reason(error))
            self.may_change_schema = True
            return forgotten + raw

    def _forgotten(self, raw: bytes) -> bytes:
        """Leave nothing prepared that this text could meet, if it comes first in its flight."""
        if not self._habit.is_unsettled_by(raw) or self._is_in_flight:
            return b""
        self._queue.append(Look(None, closes=1))
        return look.FORGET

    def _query(self, raw: bytes) -> bytes:
        if self._is_in_flight:
            return self._mixed(raw)
        text = raw[5:-1]
        sources = self._sources.of_query(text)
        whole = self._sources.of_whole(text)
        self._sources.take_note(text)
        if sources is None:
            record, _ = self._sent(whole)
            self._queue.extend((Statement(record), FlightEnd()))
            return raw
        if len(sources) == 1:
            return self._single(raw, sources[0])
        return self._several(raw, sources)

    def _single(self, raw: bytes, source: Source) -> bytes:
        record, gets_look = self._sent(source)
        if not gets_look:
            self._queue.extend((Statement(record), FlightEnd()))
            return raw
        ask = self._habit.next()
        statement = Statement(record, is_converted=True, is_last=True)
        self._queue.extend((statement, Look(record, ask.closes, ask.number), FlightEnd()))
        return look.converted(source.text, ask, ends_transaction=self._state != _IN_TRANSACTION)

    def _several(self, raw: bytes, sources: list[Source]) -> bytes:
        items: list[Item] = []
        ends = []
        for source in sources:
            record, gets_look = self._sent(source, is_in_query=True)
            items.append(Statement(record, is_last=gets_look and source is sources[-1]))
            if gets_look:
                items.append(Look(record, closes=0))
                ends.append(source.end)
        sent = look.with_looks(raw[5:-1], ends, self._habit.looks.in_query)
        self._with_looks += bool(ends)
        self._queue.extend((*items, FlightEnd(query=sent)))
        return messages.frame(b"Q", sent.text + b"\0")

    def _sent(self, source: Source, *, is_in_query: bool = False) -> tuple[Record, bool]:
        self.may_change_schema = self.may_change_schema or not source.kind.only_reads
        return self._journal.sent(source, self._clock(), is_in_query=is_in_query)

    def _parse(self, raw: bytes) -> bytes:
        name, text, _ = raw[5:].split(b"\0", 2)
        self._sources.prepare(name, text)
        self._is_in_flight = True
        return raw

    def _bind(self, raw: bytes) -> bytes:
        portal_end = raw.index(b"\0", 5)
        portal = raw[5:portal_end]
        self._sources.bind(portal, raw[portal_end + 1 : raw.index(b"\0", portal_end + 1)])
        self._paused.pop(portal, None)
        self._is_in_flight = True
        return raw

    def _execute(self, raw: bytes) -> bytes:
        self._is_in_flight = True
        portal = raw[5 : raw.index(b"\0", 5)]
        paused = self._paused.pop(portal, None)
        if paused is not None:
            self._journal.resumed(paused, self._clock())
            self._queue.append(Statement(paused, portal))
            return raw
        source = self._sources.of_portal(portal)
        record, gets_look = self._sent(source)
        self._queue.append(Statement(record, portal))
        if not gets_look:
            return raw
        ask = self._habit.next()
        self._queue.append(Look(record, ask.closes, ask.number))
        return raw + ask.messages + look.FLUSH

    def _close(self, raw: bytes) -> bytes:
        self._sources.close(raw[5:6], raw[6:-1])
        self._is_in_flight = True
        return raw

    def _sync(self, raw: bytes) -> bytes:
        self._is_in_flight = False
        if not self._is_copying_in:
            self._queue.append(FlightEnd(is_sync=True))
        return raw

    def _call(self, raw: bytes) -> bytes:
        if self._is_in_flight:
            return self._mixed(raw)
        self.may_change_schema = True
        self._queue.append(FlightEnd())
        return raw

    def _terminate(self, _: bytes) -> bytes:
        self.has_left = True
        return b""

    def _mixed(self, raw: bytes) -> bytes:
        """No client does it. After an error, nobody could tell whether the server will answer."""
        self.stop("a simple query came in the middle of an extended one")
        return raw

    def _copy_end(self, raw: bytes) -> bytes:
        if not self._is_copying_in and self._queue:
            self._queue.append(CopyEnd())
        self._is_copying_in = False
        return raw

    # --- from the server to the client -----------------------------------------------------------

    def from_server(self, data: bytes) -> bytes:
        """Take what the server sent; gives what the client gets. Raises Puzzled."""
        if self.untraced is not None and not self._queue and not self._held:
            return self._server.rest() + data
        return self._server.handled(data, self._said_by_server)

    def _attend(self) -> None:
        """Look at what the server says as closely as what is next asks for."""
        first = self._queue[0] if self._queue else None
        noticed, dropped = _FROM_SERVER, _NOTHING
        if isinstance(first, Look):
            noticed, dropped = _NEAR_LOOK, _BEFORE_ROWS
        elif isinstance(first, Statement) and first.is_converted:
            noticed, dropped = _OF_CONVERTED, _UNASKED
            if self._columns:
                noticed = _OF_CONVERTED_AT_FIRST_ROW
        self._server.noticed, self._server.dropped = noticed, dropped

    def _said_by_server(self, kind: int, raw: bytes) -> bytes:
        first = self._queue[0] if self._queue else None
        if isinstance(first, Look) and kind != _ERROR and kind not in _AT_ANY_TIME:
            self._looked(first, kind, raw)
            out = b""
        elif isinstance(first, Statement) and first.is_converted:
            out = self._converted(first, kind, raw)
        else:
            out = _SERVER[kind](self, raw)
        self._attend()
        return out

    def _converted(self, item: Statement, kind: int, raw: bytes) -> bytes:
        """Answer as to a simple Query, where rows are described when the first of them comes."""
        if kind == _COLUMNS:
            self._columns = raw
            return b""
        if kind in _AT_ANY_TIME:
            return _SERVER[kind](self, raw)
        columns, self._columns = self._columns, b""
        if kind == _ERROR and not item.record.kind.streams_rows:
            columns = b""
        return columns + (raw if kind == _ROW else _SERVER[kind](self, raw))

    def _looked(self, item: Look, kind: int, raw: bytes) -> None:
        if kind not in _OF_LOOK:
            raise Puzzled
        if kind == _ROW:
            self._look_rows.append(messages.Message(b"D", raw[5:]))
        self._closes += kind == _CLOSED
        if (kind == _COMPLETE and not item.closes) or (item.closes and self._closes == item.closes):
            rows, self._look_rows, self._closes = self._look_rows, [], 0
            self._queue.popleft()
            if item.record is not None:
                self._note(self._saw, item.record, rows, item.number)

    def _complete(self, raw: bytes) -> bytes:
        item = self._queue[0] if self._queue else None
        if not isinstance(item, Statement):
            return raw
        self._queue.popleft()
        if self._queue and isinstance(self._queue[0], CopyEnd):
            self._queue.popleft()
        tag = _ENDS.get(raw[:1])
        if tag is None:
            tag = raw[5:-1].decode("utf-8", "replace")
        elif tag == PAUSED and item.portal is not None:
            self._paused[item.portal] = item.record
        self._note(self._journal.ended, item.record, tag, self._clock())
        if item.is_last:
            self._held.append(raw)
            return b""
        return raw

    def _error(self, raw: bytes) -> bytes:
        """The rest of its flight is skipped, looks among it."""
        first = self._queue[0] if self._queue else None
        while self._queue and not isinstance(self._queue[0], FlightEnd):
            self._queue.popleft()
        told = b"".join(self._held[1:])
        self._held, self._look_rows, self._closes = [], [], 0
        self._is_copying_in = False
        if isinstance(first, Statement):
            sqlstate = messages.error_fields(messages.Message(b"E", raw[5:])).get("C", "")
            self._note(self._journal.failed, first.record, sqlstate, self._clock())
        else:
            self._note(self._journal.broke)
        return told + self._moved(raw)

    def _ready(self, raw: bytes) -> bytes:
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, FlightEnd):
                self._with_looks -= bool(item.query and item.query.looks)
                break
        held, self._held = b"".join(self._held), []
        self._state = raw[5:6]
        self._note(self._journal.ready, self._state, self._clock())
        return held + raw

    def _copy_in(self, raw: bytes) -> bytes:
        self._is_copying_in = not copied_whole(self._queue)
        return raw

    def _parameter(self, raw: bytes) -> bytes:
        name, _, value = raw[5:-1].decode("utf-8", "replace").partition("\0")
        self._sources.set(name, value)
        return self._after_end(raw)

    def _after_end(self, raw: bytes) -> bytes:
        """It comes behind the end of the last statement."""
        if self._held:
            self._held.append(raw)
            return b""
        return raw

    def _moved(self, raw: bytes) -> bytes:
        """Make a message's position in a Query with looks one in the Query of the client."""
        if not self._with_looks:
            return raw
        flight = next((item for item in self._queue if isinstance(item, FlightEnd)), None)
        return raw if flight is None or flight.query is None else flight.query.moved_back(raw)

    def _saw(self, record: Record, rows: list[messages.Message], number: int) -> None:
        seen = look.seen(rows)
        is_own = self._habit.answered(number, seen.process_id)
        if is_own and seen.written is not None:
            self._journal.written(seen.written)
        self._journal.saw(record, seen)

    def _note(self, note: Callable[..., None], *told: Any) -> None:
        try:
            note(*told)
        except Exception as error:  # whatever it is, it is not the user's loss
            self.stop(_reason(error))


def _reason(error: Exception) -> str:
    return f"a fault of the trace itself ({type(error).__name__})"


_CLIENT: dict[int, Callable[[Conversation, bytes], bytes]] = {
    ord("Q"): Conversation._query,
    ord("P"): Conversation._parse,
    ord("B"): Conversation._bind,
    ord("E"): Conversation._execute,
    ord("C"): Conversation._close,
    ord("S"): Conversation._sync,
    ord("F"): Conversation._call,
    ord("c"): Conversation._copy_end,
    ord("f"): Conversation._copy_end,
    ord("X"): Conversation._terminate,
}
_SERVER: dict[int, Callable[[Conversation, bytes], bytes]] = {
    ord("E"): Conversation._error,
    ord("Z"): Conversation._ready,
    ord("C"): Conversation._complete,
    ord("I"): Conversation._complete,
    ord("s"): Conversation._complete,
    ord("G"): Conversation._copy_in,
    ord("S"): Conversation._parameter,
    ord("N"): Conversation._moved,
    ord("A"): Conversation._after_end,
}
_FROM_CLIENT = frozenset(_CLIENT)
_WITH_TEXT = frozenset(b"QP")
_FROM_SERVER = frozenset(_SERVER)
_OF_CONVERTED = _FROM_SERVER.union(b"12nT")
_OF_CONVERTED_AT_FIRST_ROW = _OF_CONVERTED.union(b"D")
_NEAR_LOOK = _FROM_SERVER.union(_OF_LOOK)
