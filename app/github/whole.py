"""Answers over HTTP that came whole: a head that was cut off is none.

Python takes the end of a connection for the end of an answer's head. What is left of a cut
`Location`, `Link` or `Content-Length` then looks like one, and leads to something else. Bodies are
counted by urllib3, and JSON that was cut anywhere is no JSON.
"""

from http.client import HTTPResponse, IncompleteRead
from typing import Any, cast

from urllib3.connection import HTTPConnection


class _Lines:
    """A stream that remembers its last line."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.last = b""

    def readline(self, *limits: int) -> bytes:
        self.last = self._stream.readline(*limits)
        return self.last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class WholeResponse(HTTPResponse):
    """One whose head ends with an empty line, as it has to."""

    def begin(self) -> None:
        """Read the head. Raises IncompleteRead, which counts as a broken connection."""
        stream, lines = self.fp, _Lines(self.fp)
        self.fp = cast(Any, lines)
        try:
            super().begin()
        finally:
            self.fp = stream
        if lines.last not in (b"\r\n", b"\n"):
            raise IncompleteRead(lines.last)


def take_whole_answers_only() -> None:
    """For every request of this process that urllib3 makes: PyGithub has no place to ask for it.

    https://docs.python.org/3/library/http.client.html#http.client.HTTPConnection
    """
    HTTPConnection.response_class = WholeResponse
