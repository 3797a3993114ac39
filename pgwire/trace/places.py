"""Finds where the statements of a trace stand in files, and what is accepted beside them. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgwire.text import plain
from pgwire.trace.cutting import MOST_READ_BYTES
from pgwire.trace.kinds import script_of
from pgwire.trace.split import Unbalanced, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

MOST_FILE_BYTES = 300_000
"""A longer file is rows for the most part, and takes more than half a second to read."""
_MOST_WORDS = 300
_LONGEST_REASON = 10_000
"""Whoever tells it on looks for secrets, then shortens it."""
_ACCEPTING = re.compile(rb"--\s*coppice:\s*ok[ \t]+(\S[^\n]*)", re.IGNORECASE)
_BEHIND = re.compile(rb";?[ \t]*(--[^\n]*)")
# Commands of psql have a line each; what is left of them is a comment.
_OF_PSQL = re.compile(rb"^\\[^\n]*", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """Where a statement stands."""

    file: str = ""
    """From the repository's root; empty where it was not found."""
    line: int = 0
    """Of its first word, from 1."""
    accepted: str = ""
    """The reason of `-- coppice: ok REASON` directly above it, in it, or behind it in its line."""


class TooLong(Exception):
    """Reading all of it would take longer than it is worth."""


def placed(
    texts: Sequence[bytes],
    files: Iterable[tuple[str, bytes]],
    *,
    is_once: bool = False,
    is_late: Callable[[], bool] = lambda: False,
) -> list[Place]:
    """Find the place of each text, in the order in which they were executed.

    White space and comments make no difference. The last of equal texts gets the last place, and so
    on; where there is no further one, it was executed again where it stands, unless `is_once`: then
    those before came from files that are not here. As that may have been another of them, a reason
    counts only where each of them has one. Of a text that is found nowhere, its own comments count.
    Raises TooLong when it is late, which is asked often.
    """
    keys: dict[bytes, bytes] = {}
    for text in dict.fromkeys(texts):
        keys[text] = _key(text)
        _hurry(is_late)
    found = _standing(files, frozenset(keys.values()), is_late)
    for standing in found.values():
        if not all(place.accepted for place in standing):
            standing[:] = [replace(place, accepted="") for place in standing]
    places = []
    for text in reversed(texts):
        standing = found.get(keys[text], [])
        if not standing:
            is_accepted = _ACCEPTING.search(text) is not None
            places.append(Place(accepted=_accepted(text, 0, len(text)) if is_accepted else ""))
        else:
            places.append(standing.pop() if is_once or len(standing) > 1 else standing[0])
    return places[::-1]


def _standing(
    files: Iterable[tuple[str, bytes]], wanted: frozenset[bytes], is_late: Callable[[], bool]
) -> dict[bytes, list[Place]]:
    """Find all places of each, in order."""
    found: dict[bytes, list[Place]] = defaultdict(list)
    for name, content in files:
        for key, place in _statements(name, content, wanted):
            found[key].append(place)
        _hurry(is_late)
    return found


def _hurry(is_late: Callable[[], bool]) -> None:
    if is_late():
        raise TooLong


def _statements(
    name: str, content: bytes, wanted: frozenset[bytes]
) -> Iterator[tuple[bytes, Place]]:
    text = _OF_PSQL.sub(b"--", content)
    script = script_of(text)
    for part in script.parts if script else ():
        key = _key(text[part.start : part.end])
        if key in wanted:
            line = text.count(b"\n", 0, _first_word(text, part.start)) + 1
            yield key, Place(name, line, _accepted(text, part.start, part.end))


def _key(text: bytes) -> bytes:
    """Make the same of texts that differ in white space and comments, or behind many words."""
    words = []
    try:
        for kind, start, end in tokens(text[:MOST_READ_BYTES]):
            if kind not in ("space", "comment"):
                words.append(text[start:end])
                if len(words) == _MOST_WORDS:
                    break
    except Unbalanced:  # it goes on behind what was kept of it
        pass
    return b" ".join(b" ".join(words).split()).rstrip(b"; ")


def _first_word(text: bytes, start: int) -> int:
    """Say where the comments before a statement end."""
    inside = tokens(text[start:])
    return start + next(at for kind, at, _ in inside if kind not in ("space", "comment"))


def _accepted(text: bytes, start: int, end: int) -> str:
    """Read the reason beside the statement that stands there with the comments before it."""
    comments = _comments(text, start, end)
    reasons = (found[1] for comment in comments if (found := _ACCEPTING.match(comment)))
    return plain(next(reasons, b"").decode("utf-8", "replace"), limit=_LONGEST_REASON)


def _comments(text: bytes, start: int, end: int) -> Iterator[bytes]:
    try:
        first = _first_word(text, start)
        *above, _ = text[start:first].split(b"\n")
        if start:  # behind the statement before, in its line
            del above[:1]
        for line in reversed(above):
            if not line.strip().startswith(b"--"):
                break
            yield line.strip()
        for _, at, until in tokens(text[first:end]):
            yield text[first + at : first + until]
    except (Unbalanced, StopIteration):
        return
    if behind := _BEHIND.match(text, end):
        yield behind[1]
