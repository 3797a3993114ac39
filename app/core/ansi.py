"""Output of programs for terminals, as lines of plain text with names for how they look.

https://ecma-international.org/publications-and-standards/standards/ecma-48/
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
# CSI (its parameters and its last letter), OSC (ended by BEL or ST), two-byte sequences.
_ESCAPE = re.compile(
    r"\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
)
_COLOUR = re.compile(r"(\x1b\[[0-9;:]*m)")
# Control characters, and those that make a text look like another: direction overrides and such.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SIMPLE = {1: "bold", 2: "dim", 3: "italic", 4: "underline"}
_MOST_CODES = 32
"""That one sequence is read for; more is no look that anybody meant."""
_NO_CODE = 999
_ENDS = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of a line that looks the same throughout."""

    text: str
    classes: str = ""
    """Of the style sheet, as in `bold fg-red`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    marks: frozenset[str] = frozenset()
    front: str = ""
    back: str = ""

    @property
    def classes(self) -> str:
        return " ".join(filter(None, [*sorted(self.marks), self.front, self.back]))


Line = tuple[Span, ...]


def lines(text: str) -> list[Line]:
    """The text as a terminal would leave it: colours kept, everything else that controls dropped.

    A line that was written over (progress bars do that) shows what was written last.
    """
    look = _Look()
    found = []
    for line in text.replace("\r\n", "\n").split("\n"):
        spans: list[Span] = []
        for piece, look_of_piece in _pieces(line, look):
            look = look_of_piece
            _write(spans, piece, look)
        found.append(tuple(spans))
    while found and not found[-1]:
        found.pop()
    return found


def harmless(text: str, secrets: Sequence[str]) -> str:
    """The text with its colours, nothing else that controls, and without these secrets.

    A line that holds a secret, perhaps with colours inside, loses both.
    """
    ended = text.replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(_harmless_line(line, secrets) for line in ended.split("\n"))


def _harmless_line(line: str, secrets: Sequence[str]) -> str:
    kept = _ESCAPE.sub(lambda match: match[0] if match[2] == "m" else "", line)
    pieces = _COLOUR.split(kept)
    bare = _visible("".join(pieces[::2]))
    coloured = "".join(
        piece if is_colour else _visible(piece)
        for piece, is_colour in zip(pieces, cycle((False, True)), strict=False)
    )
    if not any(secret in form for secret in secrets for form in (bare, coloured)):
        return coloured
    for secret in secrets:
        bare = bare.replace(secret, "***")
    return bare


def plain(line: Sequence[Span]) -> str:
    """A line without its looks."""
    return "".join(span.text for span in line)


def _pieces(line: str, look: _Look) -> Iterator[tuple[str, _Look]]:
    start = 0
    for match in _ESCAPE.finditer(line):
        yield line[start : match.start()], look
        start = match.end()
        if match[2] == "m":
            look = _changed(look, match[1])
    yield line[start:], look


def _write(spans: list[Span], piece: str, look: _Look) -> None:
    before, overwritten, after = piece.rpartition("\r")
    if overwritten and (after or before):
        spans.clear()
    if shown := _visible(after):
        spans.append(Span(text=shown, classes=look.classes))


def _visible(text: str) -> str:
    return "".join(
        letter for letter in text if letter == "\t" or unicodedata.category(letter) not in _HIDDEN
    )


def _changed(look: _Look, parameters: str) -> _Look:
    """The look after a "select graphic rendition"; codes that are not known change nothing."""
    codes = [_code(text) for text in re.split("[;:]", parameters)[:_MOST_CODES]]
    while codes:
        code = codes.pop(0)
        if code in (38, 48):
            look = _extended(look, codes, "fg" if code == 38 else "bg")
        else:
            look = _simple(look, code)
    return look


def _code(text: str) -> int:
    """A number of a sequence; Python itself refuses to read very long ones."""
    if not text.isdecimal():
        return 0
    return int(text) if len(text) <= 3 else _NO_CODE


def _simple(look: _Look, code: int) -> _Look:
    if code == 0:
        return _Look()
    if code in _SIMPLE:
        return replace(look, marks=look.marks | {_SIMPLE[code]})
    if code in _ENDS:
        return replace(look, marks=look.marks - set(_ENDS[code]))
    tens, ones = divmod(code, 10)
    if tens in (3, 9) and ones < 8:
        return replace(look, front=f"fg-{_NAMES[ones]}")
    if tens in (4, 10) and ones < 8:
        return replace(look, back=f"bg-{_NAMES[ones]}")
    if code == 39:
        return replace(look, front="")
    return replace(look, back="") if code == 49 else look


def _extended(look: _Look, codes: list[int], place: str) -> _Look:
    """One of 256 colours, of which the first sixteen have names; of others only the code goes."""
    kind = codes.pop(0) if codes else 0
    given = codes[: 1 if kind == 5 else 3]
    del codes[: len(given)]
    if kind != 5 or not given or given[0] > 15:
        return look
    name = f"{place}-{_NAMES[given[0] % 8]}"
    return replace(look, front=name) if place == "fg" else replace(look, back=name)
