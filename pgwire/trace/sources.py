"""Which text stands behind what a client executes, and how a Query is cut into statements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgwire.trace.cutting import without_values
from pgwire.trace.kinds import UNKNOWN, Kind, kind_of, kind_of_statement, script_of

if TYPE_CHECKING:
    from pgwire.trace.split import Part

_MOST_SPLIT_BYTES = 300_000
"""A longer Query is rows for the most part, and would be read word by word for half a second."""
# Of each byte of a text in these, those below 128 are ASCII, and it is known where characters end.
_SAFE_ENCODINGS = ("UTF8", "LATIN", "WIN", "ISO_8859", "KOI8")
_LONGEST_KEY_BYTES = 8_000
_LONGEST_CALL_BYTES = 2_000
_PARAMETER = re.compile(rb"\$[0-9]")
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

    def set(self, name: str, value: str) -> None:
        """Take note of a setting that the server reports."""
        self._parameters[name] = value

    def prepare(self, name: bytes, text: bytes) -> None:
        """Take a statement that is parsed."""
        self._prepared[name] = source_of(text, kind_of_statement(text))

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
        encoding = self._parameters.get("client_encoding", "")
        is_standard = self._parameters.get("standard_conforming_strings") == "on"
        if not is_standard or not encoding.startswith(_SAFE_ENCODINGS):
            return None
        script = script_of(text) if len(text) <= _MOST_SPLIT_BYTES else None
        if script is None or script.has_parameter:
            return None
        if len(script.parts) == 1:
            return [source_of(text, kind_of(text, script.parts[0]))]
        return [
            source_of(_own(text, part), kind_of(text, part), end=part.end) for part in script.parts
        ]


def _own(text: bytes, part: Part) -> bytes:
    """Cut a part out, without the comment that stands behind the statement before in its line."""
    behind = _BEHIND.match(text, part.start, part.end) if part.start else None
    return text[behind.end() if behind else part.start : part.end]
