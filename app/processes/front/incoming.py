"""One request on its way in: how much of it is there, and which lane it will take."""

from collections.abc import Iterator
from typing import Any

from gunicorn.http import get_parser  # type: ignore[import-untyped]
from gunicorn.http.body import LengthReader  # type: ignore[import-untyped]
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]

from app.processes.front.lanes import Lane, lane_of

LONGEST_HEAD = 64 * 1024
# As the web application: it refuses a longer one at once, and nobody waits for it.
LONGEST_BODY = 25 * 1024 * 1024
_HEAD_END = b"\r\n\r\n"
_PIECE = 64 * 1024


class Incoming:
    """What has come of a request. gunicorn's parser alone says what a head means."""

    def __init__(self, settings: Any, client: Any, start: bytes = b"") -> None:
        self.received = bytearray(start)
        self.lane = Lane.PAGES
        self.has_head = False
        self._settings = settings
        self._client = client
        self._whole = 0
        """Its bytes in all, once the head is there."""
        self._is_too_long = False
        self._look()

    def take(self, data: bytes) -> None:
        """Add what has come."""
        searched = len(self.received)
        self.received += data
        if not self.has_head:
            self._look(max(0, searched - len(_HEAD_END)))

    @property
    def is_whole(self) -> bool:
        """A thread can have it: nothing more is wanted, or the thread itself reads the rest."""
        return self.has_head and (self._is_too_long or len(self.received) >= self._whole)

    @property
    def is_cut(self) -> bool:
        """Something of it is missing, so that the connection is of no use after the answer."""
        return not self.has_head or len(self.received) < self._whole

    def parser(self, connection: Any) -> Any:
        """gunicorn's parser for the request; only a stream is read from the connection."""
        if self.lane is Lane.STREAMS:
            parser = get_parser(self._settings, connection, self._client)
            parser.unreader.unread(bytes(self.received))
            return parser
        return get_parser(self._settings, self._pieces(), self._client)

    def rest(self) -> bytes:
        """What has come of the next request."""
        return b"" if self.lane is Lane.STREAMS else bytes(self.received[self._whole :])

    def _look(self, start: int = 0) -> None:
        end = self.received.find(_HEAD_END, start)
        if end < 0 and len(self.received) < LONGEST_HEAD:
            return
        self.has_head = True
        self._whole = length = len(self.received) if end < 0 else end + len(_HEAD_END)
        try:
            request = next(
                get_parser(self._settings, [bytes(self.received[:length])], self._client)
            )
        except (ParseException, OSError, ValueError):
            return  # a thread meets the same again, and answers
        self.lane = lane_of(request.path)
        reader = request.body.reader
        if not isinstance(reader, LengthReader) or request._expected_100_continue:
            self.lane = Lane.STREAMS
        self._whole += getattr(reader, "length", 0)
        self._is_too_long = self._whole - length > LONGEST_BODY

    def _pieces(self) -> Iterator[bytes]:
        """In pieces: gunicorn copies what is left of one each time it takes something from it."""
        end = min(self._whole, len(self.received))
        for start in range(0, end, _PIECE):
            yield bytes(self.received[start : min(start + _PIECE, end)])
