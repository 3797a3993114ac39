"""Cuts values out of statements: of rows everywhere, of secrets in definitions. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pgwire.text import without_passwords
from pgwire.trace.split import TOKEN, Unbalanced, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

CUT = b"?"

_LITERALS = frozenset(["string", "escaped", "dollar", "number"])
# Of definitions only comments go: their literals are defaults, bounds and bodies.
_DEFINING = frozenset(["ALTER", "COMMENT", "CREATE", "DROP", "GRANT", "IMPORT", "REVOKE"])
_SECRET = re.compile(rb"PASSWORD|CONNECTION", re.IGNORECASE)
_WITH_SETTINGS = (b"DATABASE", b"FUNCTION", b"PROCEDURE", b"ROLE", b"ROUTINE", b"SYSTEM", b"USER")
MOST_READ_BYTES = 20_000
"""What is behind these is never told."""
_CACHED_BYTES = 8_000


def without_values(text: bytes, *, head: str) -> str:
    """Make of a statement what may be told of it; others shorten it, when its secrets are hidden.

    `head` is its first word. Literals stay in definitions alone, and there not behind PASSWORD and
    CONNECTION, in OPTIONS, and behind the SET of a database, a role and the like.
    """
    make = _cached if len(text) <= _CACHED_BYTES else _told
    return make(text, "CREATE" if head in _DEFINING else head)


def _told(text: bytes, head: str) -> str:
    text = text[:MOST_READ_BYTES]
    kept = bytearray()
    try:
        for piece in _definition(text) if head == "CREATE" else _without_literals(text, head):
            kept += piece
    except Unbalanced:  # or cut in the middle of a value
        kept += CUT
    told = bytes(kept).decode("utf-8", "replace").strip("; \t\r\n")
    return without_passwords(told)


_cached = lru_cache(maxsize=1_000)(_told)


def _without_literals(text: bytes, head: str) -> Iterator[bytes]:
    for kind, start, end in tokens(text):
        if kind == "dollar" and head == "DO":
            quote = TOKEN.match(text, start).group()  # type: ignore[union-attr]
            yield quote
            yield from _without_literals(text[start + len(quote) : end - len(quote)], "")
            yield quote
        elif kind in _LITERALS:
            yield CUT
        elif not _is_comment(kind, text, start):
            yield text[start:end]


def _is_comment(kind: str, text: bytes, start: int) -> bool:
    return kind == "comment" or (kind == "space" and text[start : start + 1] == b"-")


def _definition(text: bytes) -> Iterator[bytes]:
    words: list[bytes] = []
    depth = 0
    is_secret = is_setting = False
    for kind, start, end in tokens(text):
        if _is_comment(kind, text, start):
            continue
        piece = text[start:end]
        if kind == "word":
            is_secret = _SECRET.fullmatch(piece) is not None
            words.append(piece.upper())
            is_altered = words[0] == b"ALTER" and words[1:2] and words[1] in _WITH_SETTINGS
            is_setting = is_setting or bool(is_altered and words[-1] == b"SET")
        elif piece in (b"(", b")") and (depth or (piece == b"(" and words[-1:] == [b"OPTIONS"])):
            depth += 1 if piece == b"(" else -1
        is_hidden = is_secret or depth or is_setting
        yield CUT if kind in _LITERALS and is_hidden else piece
