"""Cuts a stream into messages, and hands those on in whole blocks that nobody looks at."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_LENGTH = Struct("!i").unpack_from
_HEADER_BYTES = 5


class Frames:
    """One direction of a connection."""

    def __init__(self, noticed: Collection[int]) -> None:
        self.noticed = noticed
        """Kinds of which each message is handled, and is waited for until it is whole."""
        self._buffer = bytearray()
        self._passing = 0
        self.is_broken = False
        """It was no stream of messages: all of it is handed on as it comes."""

    def rest(self) -> bytes:
        """Give what was kept, unhandled."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return rest

    def handled(self, data: bytes, handle: Callable[[bytes, bytes], bytes]) -> bytes:
        """Take what came and give what goes on: what `handle` makes of noticed messages, and all
        others. A long message that is not noticed goes on in pieces."""
        buffer = self._buffer
        buffer += data
        out = bytearray()
        begun, end = 0, len(buffer)
        at = min(self._passing, end)
        self._passing -= at
        while end - at >= _HEADER_BYTES and not self._passing:
            kind = buffer[at]
            length = _LENGTH(buffer, at + 1)[0] + 1
            if length < _HEADER_BYTES:
                self.is_broken = True
                at = end
                break
            if kind not in self.noticed:
                following = at + length
                at = min(following, end)
                self._passing = following - at
                continue
            if end - at < length:
                break
            out += buffer[begun:at]
            raw = bytes(buffer[at : at + length])
            begun = at = at + length
            out += handle(raw[:1], raw)
        out += buffer[begun:at]
        del buffer[:at]
        return bytes(out)
