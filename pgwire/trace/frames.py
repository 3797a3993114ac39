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
        self.dropped: Collection[int] = ()
        """Those of them that go nowhere instead."""
        self.is_broken = False
        """It was no stream of messages: all of it is handed on as it comes."""
        self._kept: list[bytes] = []
        self._missing = 0
        """So many bytes more complete what is kept, which is the beginning of a message."""
        self._passing = 0
        """So many bytes are still to come of a message that goes on in pieces."""

    def rest(self) -> bytes:
        """Give what was kept, unhandled."""
        rest, self._kept, self._missing = b"".join(self._kept), [], 0
        return rest

    def handled(self, data: bytes, handle: Callable[[int, bytes], bytes]) -> bytes:
        """Take what came and give what goes on: what `handle` makes of noticed messages, and all
        others. A long message that is not noticed goes on in pieces."""
        if self._missing > len(data):
            self._kept.append(data)
            self._missing -= len(data)
            return b""
        if self._kept:
            self._kept.append(data)
            data = self.rest()
        out, begun, at = self._read(data, handle)
        if at < len(data):
            self._keep(data[at:])
        out.append(data[begun:at] if begun or at < len(data) else data)
        return b"".join(out) if len(out) > 1 else out[0]

    def _read(
        self, data: bytes, handle: Callable[[int, bytes], bytes]
    ) -> tuple[list[bytes], int, int]:
        """Give what goes on already, from where on the rest does, and where that ends."""
        out = []
        begun, end = 0, len(data)
        at = self._passing
        while at + _HEADER_BYTES <= end:
            kind = data[at]
            length = _LENGTH(data, at + 1)[0] + 1
            following = at + length
            if length < _HEADER_BYTES:
                self.is_broken = True
                at = end
            elif kind not in self.noticed:
                at = following
            elif following > end:
                break
            else:
                if begun < at:
                    out.append(data[begun:at])
                if kind not in self.dropped:
                    out.append(handle(kind, data[at:following]))
                begun = at = following
        self._passing = max(at - end, 0)
        return out, begun, min(at, end)

    def _keep(self, data: bytes) -> None:
        length = _LENGTH(data, 1)[0] + 1 if len(data) >= _HEADER_BYTES else _HEADER_BYTES
        self._kept, self._missing = [data], length - len(data)
