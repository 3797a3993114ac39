"""Which text stands behind what a client executes, and how a Query is cut into statements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgwire.trace.cutting import without_values
from pgwire.trace.kinds import UNKNOWN, WHOLE, Kind, kind_of, kind_of_statement, script_of

if TYPE_CHECKING:
    from pgwire.trace.split import Part

_MOST_SPLIT_BYTES = 300_000
"""A longer Query is rows for the most part, and would be read word by word for half a second."""
# Of each byte of a text in these, those below 128 are ASCII, and it is known where characters end.
_SAFE_ENCODINGS = ("UTF8", "LATIN", "WIN", "ISO_8859", "KOI8")
_LONGEST_KEY_BYTES = 8_000
_LONGEST_CALL_BYTES = 2_000
_PARAMETER = re.compile(rb"\$[0-9]")
# To SHOW it, as SQLAlchemy does first of all, sets nothing, so no answer would end the doubt.
_SETS_STRINGS = re.compile(
    rb"(?<!\bSHOW )standard_conforming_strings(?!['\"\s]*(?:=|\bTO\b|,)\s*'?on\b)", re.IGNORECASE
)
_HEAD = re.compile(rb"\s*([A-Za-z]{1,20})")
_BEHIND = re.compile(rb"[ \t]*--[^\n\r]*")


@dataclass(frozen=True)
class Source:
    """A statement of the client."""

    text: bytes = b""
    kind: Kind = UNKNOWN
    key: str = ""
    """The same for statements that differ in values alone; empty where that means nothing."""
    known_by: str | bytes = ""
    """The same for statements that take the same locks; empty where nobody can tell."""
    end: int = 0
    """Where it ends in its Query."""


_NOT_HEARD_OF = Source(b"(a statement that was prepared by another)")


def source_of(text: bytes, kind: Kind, *, end: int = 0) -> Source:
    """Make a source of a text."""
    has_key = kind.is_data and len(text) <= _LONGEST_KEY_BYTES
    key = without_values(text, head=kind.head) if has_key else ""
    is_other_each_time = kind.may_call and (
        len(text) > _LONGEST_CALL_BYTES or _PARAMETER.search(text)
    )
    known_by = "" if is_other_each_time else text if key and kind.may_call else key
    return Source(text, kind, key, known_by, end)


class Sources:
    """What one client prepared, and the settings that its texts are to be read with."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self._parameters = parameters
        self._prepared: dict[bytes, Source] = {}
        self._portals: dict[bytes, Source] = {}
        self._is_doubtful = False
        """It was asked for other rules of strings, and the server has not answered yet."""

    def set(self, name: str, value: str) -> None:
        """Take note of a setting that the server reports."""
        self._parameters[name] = value
        self._is_doubtful = self._is_doubtful and name != "standard_conforming_strings"

    @property
    def _is_readable(self) -> bool:
        """Whether it is known where strings end; what is within them is told to nobody."""
        encoding = self._parameters.get("client_encoding", "")
        is_standard = self._parameters.get("standard_conforming_strings") == "on"
        return is_standard and not self._is_doubtful and encoding.startswith(_SAFE_ENCODINGS)

    def prepare(self, name: bytes, text: bytes) -> None:
        """Take a statement that is parsed."""
        kind = kind_of_statement(text)
        is_readable = self._is_readable
        self._prepared[name] = source_of(text, kind) if is_readable else Source(_head(text), kind)
        self.take_note(text)

    def bind(self, portal: bytes, name: bytes) -> None:
        """Take a portal that is made of a prepared statement."""
        self._portals[portal] = self._prepared.get(name, _NOT_HEARD_OF)

    def close(self, kind: bytes, name: bytes) -> None:
        """Forget a statement (`S`) or a portal (`P`)."""
        (self._prepared if kind == b"S" else self._portals).pop(name, None)

    def of_portal(self, portal: bytes) -> Source:
        """Say what is executed."""
        return self._portals.get(portal, _NOT_HEARD_OF)

    def of_query(self, text: bytes) -> list[Source] | None:
        """Cut a Query into statements; None where that is not sure, or nothing may be put in."""
        if not self._is_readable:
            return None
        script = script_of(text) if len(text) <= _MOST_SPLIT_BYTES else None
        if script is None or script.has_parameter:
            return None
        if len(script.parts) == 1:
            return [source_of(text, kind_of(text, script.parts[0]))]
        return [
            source_of(_own(text, part), kind_of(text, part), end=part.end) for part in script.parts
        ]

    def of_whole(self, text: bytes) -> Source:
        """Take a Query that is not cut."""
        return Source(text if self._is_readable else _head(text), WHOLE)

    def take_note(self, text: bytes) -> None:
        """Notice what comes into force behind this text."""
        is_asked = _SETS_STRINGS.search(text, 0, _MOST_SPLIT_BYTES) is not None
        self._is_doubtful = self._is_doubtful or is_asked


def _head(text: bytes) -> bytes:
    """Cut all of a text but its first word."""
    found = _HEAD.match(text)
    return found[1] + b" ..." if found else b"(a statement)"


def _own(text: bytes, part: Part) -> bytes:
    """Cut a part out, without the comment that stands behind the statement before in its line."""
    behind = _BEHIND.match(text, part.start, part.end) if part.start else None
    return text[behind.end() if behind else part.start : part.end]
