"""Takes secrets out of text. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from action import harmless, masking
from pgwire.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MARK = "***"
# The service takes a million characters.
REPORT_BYTES = 900_000
_LAST_LINES = 20
_LAST_CHARACTERS = 4_000

# From where blanks begin only: else each of many would be tried anew.
_BREAK = re.compile(r"(?<![ \t])[ \t]*\n[ \t]*")
# What sets colours and the like, of the codes that are in use.
_LOOK = re.compile(r"\x1b\[\d{0,3}(?:;\d{1,3}){0,5}m")


def spans(text: str, secrets: Sequence[str]) -> list[tuple[int, int]]:
    """Find the stretches that secrets cover, overlapping and touching ones as one."""
    found = sorted(
        (start, start + len(secret)) for secret in secrets for start in _positions(text, secret)
    )
    merged: list[tuple[int, int]] = []
    for start, end in found:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _positions(text: str, secret: str) -> Iterator[int]:
    at = text.find(secret)
    while at >= 0:
        yield at
        at = text.find(secret, at + 1)


def hide(text: str, secrets: Sequence[str]) -> str:
    """Replace secrets by a mark, until none is left.

    Once is not always enough: a mark between two pieces could complete another secret. Every
    secret is longer than the mark, so the text shrinks and this ends.
    """
    while covered := spans(text, secrets):
        pieces, position = [], 0
        for start, end in covered:
            pieces += [text[position:start], MARK]
            position = end
        text = "".join([*pieces, text[position:]])
    return text


def hide_broken(text: str, secrets: Sequence[str]) -> str:
    """Replace also what was broken over lines, as `fold` and programs that draw tables do."""
    while True:
        at = _between_breaks(text)
        covered = spans("".join([text[position] for position in at]), secrets)
        if not covered:
            return text
        pieces, position = [], 0
        for start, end in covered:
            pieces += [text[position : at[start]], MARK]
            position = at[end - 1] + 1
        text = "".join([*pieces, text[position:]])


def _between_breaks(text: str) -> list[int]:
    """List where the characters are that neither end a line nor pad one."""
    at: list[int] = []
    position = 0
    for match in _BREAK.finditer(text):
        at.extend(range(position, match.start()))
        position = match.end()
    return [*at, *range(position, len(text))]


def safe_end(text: str, at: int, secrets: Sequence[str]) -> int:
    """Move a cut towards the start so that it leaves no half of a secret."""
    return next((start for start, end in spans(text, secrets) if start < at < end), at)


def own_secrets(values: Iterable[str]) -> tuple[str, ...]:
    """List every form of the secrets that we were given."""
    return tuple(dict.fromkeys(form for value in values for form in masking.forms(value)))


def inherited_secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """List every form of what the job's variables hold, but for harmless ones."""
    return own_secrets(value for name, value in environ.items() if not harmless.is_harmless(name))


def report(tail: bytes, secrets: Sequence[str], *, is_cut: bool) -> str:
    """Prepare the end of a log for leaving the runner: at most REPORT_BYTES of UTF-8.

    `is_cut` says that `tail` does not start where the log did; then its first characters may be
    the end of a secret, and as many as the longest secret has are left out.
    """
    text = tail.decode("utf-8", "surrogateescape")
    if is_cut:
        at = min(len(text), max(map(len, secrets), default=0))
        text = text[next((end for start, end in spans(text, secrets) if start < at < end), at) :]
    # Before and after: colours inside a secret would hide it from the first search, and stripping
    # them may eat the beginning of one.
    stripped = [printable(secret) for secret in secrets]
    usable = [secret for secret in stripped if len(secret) >= masking.SHORTEST]
    seen = hide(text, secrets)
    plain = hide_broken(hide(printable(seen), usable), usable)
    return _end(_coloured(seen, plain, [*secrets, *usable]))


def last_lines(reported: str) -> str:
    """The end of a report, in as many lines as people read where they look first."""
    lines = printable(reported).rstrip().split("\n")[-_LAST_LINES:]
    return "\n".join(lines)[-_LAST_CHARACTERS:]


def _coloured(text: str, plain_text: str, secrets: Sequence[str]) -> str:
    """Give lines their colours back, but for those that something was taken out of."""
    before, after = _lines(text), plain_text.split("\n")
    if len(before) != len(after):
        return plain_text
    lines = []
    for raw, shown in zip(before, after):
        looks = _looks(raw)
        lines.append(looks if printable(looks) == shown else shown)
    coloured = "\n".join(lines)
    return plain_text if spans(coloured, secrets) else coloured


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _looks(line: str) -> str:
    """Strip everything that controls a terminal, but for colours."""
    pieces, position = [], 0
    for match in _LOOK.finditer(line):
        pieces += [printable(line[position : match.start()]), match[0]]
        position = match.end()
    return "".join([*pieces, printable(line[position:])])


def _end(text: str) -> str:
    """Keep as much of the end as a report may hold, from the start of a line where there is one."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= REPORT_BYTES:
        return text
    end = raw[-REPORT_BYTES:].decode("utf-8", "ignore")
    first, is_there, rest = end.partition("\n")
    return rest if is_there and len(first) < REPORT_BYTES // 2 else end
