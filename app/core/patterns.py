"""Branch patterns, with the meaning they have in a workflow's `branches` filter.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    """One character, or with `repeats` a run of characters, of a pattern."""

    ranges: tuple[tuple[str, str], ...] | None
    """First and last of those that it accepts; None: any, but `/` only where `crosses_slash`."""
    crosses_slash: bool = True
    optional: bool = False
    repeats: bool = False

    def accepts(self, character: str) -> bool:
        if self.ranges is None:
            return self.crosses_slash or character != "/"
        return any(first <= character <= last for first, last in self.ranges)


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Whether the patterns, read in order, select a branch name.

    `*` stands for any characters except `/`, `**` for any at all, `?` and `+` make the character
    before them optional or repeatable, `[a-z]` stands for one listed character, and `\\` takes the
    next character as it is. A pattern that begins with `!` takes back what earlier ones selected.
    """
    selected = False
    for pattern in patterns:
        if pattern.startswith("!"):
            selected = selected and not _matches(name, pattern[1:])
        else:
            selected = selected or _matches(name, pattern)
    return selected


def _matches(name: str, pattern: str) -> bool:
    """Walk all possible readings at once: no name or pattern makes it try one after the other."""
    tokens = _parse(pattern)
    positions = _skip_optional({0}, tokens)
    for character in name:
        after: set[int] = set()
        for position in positions:
            if position < len(tokens) and tokens[position].accepts(character):
                after.add(position + 1)
                if tokens[position].repeats:
                    after.add(position)
        positions = _skip_optional(after, tokens)
    return len(tokens) in positions


def _skip_optional(positions: set[int], tokens: list[_Token]) -> set[int]:
    reached = set(positions)
    for start in sorted(positions):
        position = start
        while position < len(tokens) and tokens[position].optional:
            position += 1
            if position in reached:
                break  # an earlier walk went on from there, or a later one will
            reached.add(position)
    return reached


def _parse(pattern: str) -> list[_Token]:
    """Read a pattern; what makes no sense (an open bracket, `+` in front) stands for itself."""
    tokens: list[_Token] = []
    at = 0
    while at < len(pattern):
        token, at = _read(pattern, at, tokens)
        tokens.append(token)
    return tokens


def _read(pattern: str, at: int, before: list[_Token]) -> tuple[_Token, int]:
    """The token at `at` (it may replace the last of `before`) and where the next one begins."""
    character = pattern[at]
    if character == "*":
        crosses = pattern.startswith("**", at)
        token = _Token(ranges=None, crosses_slash=crosses, optional=True, repeats=True)
        return token, at + (2 if crosses else 1)
    if character in "?+" and before:
        last = before.pop()
        optional = last.optional or character == "?"
        repeats = last.repeats or character == "+"
        token = _Token(
            ranges=last.ranges,
            crosses_slash=last.crosses_slash,
            optional=optional,
            repeats=repeats,
        )
        return token, at + 1
    if character == "[" and (end := pattern.find("]", at)) > at + 1:
        return _Token(ranges=_listed(pattern[at + 1 : end])), end + 1
    if character == "\\" and at + 1 < len(pattern):
        return _only(pattern[at + 1]), at + 2
    return _only(character), at + 1


def _only(character: str) -> _Token:
    return _Token(ranges=((character, character),))


def _listed(listing: str) -> tuple[tuple[str, str], ...]:
    """The ranges of `a-z_`; a single character is a range too."""
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(listing):
        is_range = at + 2 < len(listing) and listing[at + 1] == "-"
        ranges.append((listing[at], listing[at + 2 if is_range else at]))
        at += 3 if is_range else 1
    return tuple(ranges)
