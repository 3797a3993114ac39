"""The things of before under the names that they have after. Pure."""

from __future__ import annotations

import re
from collections import ChainMap, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pgwire.schema.facts import Facts

    Names = Mapping[tuple[str, str], str]

_UNTOUCHED = ("id", "rest", "comment")
_PART = r'(?:"(?:[^"]|"")*"|[\w$]+)'
_NAME_OR_LITERAL = re.compile(rf"'(?:[^']|'')*'|{_PART}(?:\.{_PART})*")
_LAST_PART = re.compile(r'(?:"(?:[^"]|"")*"|[^."]*)\Z')


def found(before: Facts, after: Facts) -> dict[tuple[str, str], str]:
    """Find what has another name after: by kind and name, the new name."""
    names = {(kind, identity(about)): name for (kind, name), about in after.items()}
    renamed = {}
    for (kind, name), about in before.items():
        new = names.get((kind, identity(about)), name)
        if identity(about) and new != name:
            renamed[kind, name] = new
    return renamed


def identity(about: Mapping[str, str]) -> str:
    """Say what a thing is known by, also in a copy of its database; may be empty."""
    return about.get("id", "").partition("@")[0]


def told(before: Facts, names: Names) -> Iterator[tuple[str, str]]:
    """Choose those that got a new name themselves, and not just with their table."""
    renamed = {name for _, name in names}
    for (kind, name), new in names.items():
        if before[kind, name].get("of") not in renamed or _last(name) != _last(new):
            yield kind, name


def applied(before: Facts, names: Names) -> Facts:
    """Give things their new names, also in what others say of them.

    A thing whose name went to another one keeps it, with an addition.
    """
    if not names:
        return before
    taken = {(kind, new) for (kind, _), new in names.items()}
    gone = {key: f"{key[1]}, as it was" for key in taken & before.keys() if key not in names}
    flat = {_bare(name): _bare(new) for (_, name), new in [*names.items(), *gone.items()]}
    columns: dict[str | None, dict[str, str]] = defaultdict(dict)
    for key in told(before, names):
        if key[0] == "column":
            columns[before[key]["of"]][_last(key[1])] = _last(names[key])
    renamed: Facts = {}
    for key, about in before.items():
        new = gone.get(key) or names.get(key, key[1])
        known = ChainMap({_last(key[1]): _last(new)}, columns[about.get("of")], flat)
        renamed[key[0], new] = {
            name: text if name in _UNTOUCHED else _replaced(text, known)
            for name, text in about.items()
        }
    return renamed


def _replaced(text: str, names: Mapping[str, str]) -> str:
    """Replace names in SQL, but not in a routine's body, which renaming does not change."""

    def new(found: re.Match[str]) -> str:
        piece = found[0]
        if piece.startswith("'"):  # as in nextval('public.numbers'::regclass)
            return f"'{names[piece[1:-1]]}'" if "." in piece and piece[1:-1] in names else piece
        return names.get(piece, piece)

    head, begin, body = text.partition("\nAS $")
    return _NAME_OR_LITERAL.sub(new, head) + begin + body


def _bare(name: str) -> str:
    """Leave out a function's arguments."""
    return name.partition("(")[0]


def _last(name: str) -> str:
    found = _LAST_PART.search(_bare(name))
    return found[0] if found else ""
