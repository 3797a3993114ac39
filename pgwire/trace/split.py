"""Splits a simple Query into its statements, by the rules of psql's lexer. Pure.

It works on bytes: in each encoding that is taken here, bytes below 128 are ASCII.

Source: https://github.com/postgres/postgres/blob/REL_18_STABLE/src/fe_utils/psqlscan.l
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = re.compile(
    rb"""
    (?P<space>[ \t\n\r\f\v]+|--[^\n\r]*)
    |(?P<comment>/\*)
    |(?P<escaped>[eE]')
    |(?P<string>(?:[bBxXnN]|[uU]&)?')
    |(?P<identifier>(?:[uU]&)?")
    |(?P<dollar>\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$)
    |(?P<parameter>\$[0-9]+)
    |(?P<word>[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*)
    |(?P<number>[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?)
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_STRING_REST = re.compile(rb"(?:[^']|'')*'", re.DOTALL)
_IDENTIFIER_REST = re.compile(rb'(?:[^"]|"")*"', re.DOTALL)
# A string that goes on behind a line's end keeps the rules that it began with.
_ESCAPED_REST = re.compile(
    rb"""(?:[^'\\]|\\.|''
    |'[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*')*'""",
    re.VERBOSE | re.DOTALL,
)
_MOST_WORDS = 12
"""So many words of a statement are told: what it does is said in the first few."""
_LONGEST_PLAIN_BYTES = 2_000
_SIGNS = r"[A-Za-z0-9_ \t\n\r\f\v,.=<>+*:%&|!\[\]]*"
_INNER = rf"(?:\({_SIGNS}\){_SIGNS})*"
_PLAIN = re.compile(
    rf"({_SIGNS}(?:\({_SIGNS}{_INNER}\){_SIGNS})*);?[ \t\n\r\f\v]*".encode(),
)
_ODD_NUMBER = re.compile(rb"(?<![A-Za-z0-9_])[0-9][0-9_.]*[A-Za-z]")
_WORD = re.compile(r"(?<![A-Z0-9_])[A-Z_][A-Z0-9_]*")
_ROUTINES = frozenset(["FUNCTION", "PROCEDURE"])
_OF_BODIES = frozenset(["BEGIN", "CASE", "END"])


class Unbalanced(Exception):
    """A quote, a comment or a parenthesis is never closed, or what a body's END is, is unclear."""


@dataclass(frozen=True)
class Part:
    """One statement, with the comments before it."""

    start: int
    end: int
    """Where its semicolon is, or the text ends. In bytes, as `start`."""
    words: tuple[str, ...] = ()
    """Its first words outside of quotes, in capitals."""


@dataclass(frozen=True)
class Script:
    """The statements of a Query, without those that are empty."""

    parts: tuple[Part, ...] = ()
    has_parameter: bool = False
    """`$1` means nothing in a simple Query, and something in an extended one."""


def tokens(text: bytes) -> Iterator[tuple[str, int, int]]:
    """Give kind, start and end of each token, comments and quotes whole. Raises Unbalanced."""
    at, length, match = 0, len(text), TOKEN.match
    while at < length:
        found = match(text, at)
        assert found is not None and found.lastgroup is not None  # noqa: PT018, S101
        kind, end = found.lastgroup, found.end()
        if kind in _WHOLE:
            yield kind, at, end
            at = end
            continue
        if kind in _RESTS:
            rest = _RESTS[kind].match(text, end)
            end = rest.end() if rest else -1
        elif kind == "dollar":
            closing = text.find(found.group(), end)
            end = closing + end - at if closing >= 0 else -1
        elif kind == "comment":
            end = _comment_end(text, end)
        if end < 0:
            raise Unbalanced
        yield kind, at, end
        at = end


_WHOLE = frozenset(["space", "parameter", "word", "number", "other"])
_RESTS = {"escaped": _ESCAPED_REST, "string": _STRING_REST, "identifier": _IDENTIFIER_REST}


def _comment_end(text: bytes, at: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(text, at)
        if edge is None:
            return -1
        depth += 1 if edge.group() == b"/*" else -1
        at = edge.end()
    return at


def split(text: bytes) -> Script:
    """List the statements of a text. Raises Unbalanced where it is not sure of them.

    A wrong guess would be grave, because looks are put between statements. All that psql guesses is
    where the END of a BEGIN ATOMIC is: were it taken too early, the true one would begin a part.
    """
    plain = _plain(text)
    if plain is not None:
        return Script((plain,))
    reader = _Reader()
    for kind, start, end in tokens(text):
        if kind not in ("space", "comment"):
            reader.take(kind, text, start, end)
    reader.close(len(text), 0)
    if reader.depth or reader.is_unclear:
        raise Unbalanced
    return Script(tuple(reader.parts), reader.has_parameter)


def _plain(text: bytes) -> Part | None:
    """Read the one statement of a short text without quotes, comments and bodies, as most are."""
    found = _PLAIN.fullmatch(text) if len(text) <= _LONGEST_PLAIN_BYTES else None
    if found is None or _ODD_NUMBER.search(text):
        return None
    words = tuple(_WORD.findall(text.upper().decode("ascii"))[:_MOST_WORDS])
    if not words or (words[0] == "CREATE" and _ROUTINES.intersection(words[1:4])):
        return None
    return Part(0, found.end(1), words)


@dataclass
class _Reader:
    parts: list[Part] = field(default_factory=list)
    has_parameter: bool = False
    depth: int = 0
    """Of parentheses, and of BEGIN and CASE in the body of a routine."""
    is_unclear: bool = False
    _start: int = 0
    _is_empty: bool = True
    _parentheses: int = 0
    _words: list[str] = field(default_factory=list)
    _had_body: bool = False

    def take(self, kind: str, text: bytes, start: int, end: int) -> None:
        if kind == "word":
            self._is_empty = False
            self._word(text[start:end].upper().decode("latin-1"))
        elif kind != "other":
            self._is_empty = False
            self.has_parameter = self.has_parameter or kind == "parameter"
        elif text[start:end] == b";" and not self.depth:
            self.close(start, end)
        else:
            self._is_empty = False
            self._parenthesis(text[start:end])

    def close(self, end: int, next_start: int) -> None:
        if not self._is_empty:
            self.parts.append(Part(self._start, end, tuple(self._words)))
            self.is_unclear = self.is_unclear or (self._had_body and self._words[:1] == ["END"])
        self._start, self._is_empty, self._words = next_start, True, []

    def _parenthesis(self, sign: bytes) -> None:
        step = {b"(": 1, b")": -1}.get(sign, 0)
        if step < 0 and not self._parentheses:
            self.is_unclear = True
            return
        self._parentheses += step
        self.depth += step

    def _word(self, word: str) -> None:
        if len(self._words) < _MOST_WORDS:
            self._words.append(word)
        if word not in _OF_BODIES or self._parentheses or not self._is_routine():
            return
        if word == "END":
            self.depth -= 1 if self.depth else 0
        elif word == "BEGIN" or self.depth:
            self.depth += 1
            self._had_body = True

    def _is_routine(self) -> bool:
        words = self._words[:4]
        if words[1:3] == ["OR", "REPLACE"]:
            del words[1:3]
        return words[:1] == ["CREATE"] and words[1:2] in (["FUNCTION"], ["PROCEDURE"])
