"""How two schemas differ: what loses data first, then what takes guarantees away. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgwire.schema import renames, risks, wording
from pgwire.schema.risks import DATA, GUARANTEE, NONE
from pgwire.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pgwire.schema.facts import Facts

DROPPED, RENAMED, CHANGED, ADDED = "dropped", "renamed", "changed", "added"
MOST_CHANGES = 500
_LONGEST_NAME = 200
_LONGEST_DETAILS = 500

# What holds values, or is one of the kinds that values are of.
_HOLDING: tuple[str, ...] = ("schema", "table", "column", "type", "domain", "attribute")
_HOLDING += ("sequence", "materialized view")
_UNNAMED_BY_QUERIES = ("constraint", "index", "policy", "sequence", "trigger")
_SILENT = ("id", "part of")
_CHANGES = (DROPPED, RENAMED, CHANGED, ADDED)
_RISKS = (DATA, GUARANTEE, NONE)


@dataclass(frozen=True)
class Change:
    """One thing that differs; `str()` is what people read: plain text, harmless, of one line."""

    kind: str
    """`table`, `column`, `materialized view`, ..."""
    name: str
    """With its schema, as SQL writes it: `public.users.name`; of what was renamed the old one."""
    change: str
    """DROPPED, RENAMED, CHANGED or ADDED."""
    details: str
    """What changed, what it was or is, or its new name; may be empty."""
    risk: str
    """DATA where values may be lost, GUARANTEE where something is that others rely on, or NONE."""

    def __str__(self) -> str:
        if self.change == CHANGED:
            return f"{self.kind} {self.name}: {self.details}"
        if self.change == RENAMED:
            return f"{self.kind} {self.name}: renamed to {self.details}"
        return f"{self.kind} {self.name}: {', '.join(filter(None, (self.change, self.details)))}"


@dataclass(frozen=True)
class Diff:
    """The changes between two schemas, the worst first."""

    changes: tuple[Change, ...] = ()
    more: int = 0
    """How many came behind the limit."""


def changes(before: Facts, after: Facts) -> Diff:
    """Compare two schemas. What belongs to a table that came or went is not told by itself.

    Of two that were read while one server ran, it is known what was renamed; and if it was one
    database, what was dropped and made again.
    """
    names = renames.found(before, after)
    found = [_renamed(key, names[key]) for key in renames.told(before, names)]
    before = renames.applied(before, names)
    moved = _moved(before, after)
    found += [
        _whole(before, key, DROPPED, risk=_risk_of_drop(before, key))
        for key in _without_parts(before, after, moved)
    ]
    for key in before.keys() & after.keys():
        found += _changed(*key, before[key], after[key])
    found += [_whole(after, key, ADDED, risk=NONE) for key in _without_parts(after, before, moved)]
    found.sort(key=_order)
    return Diff(tuple(found[:MOST_CHANGES]), max(0, len(found) - MOST_CHANGES))


def _order(change: Change) -> tuple[int, int, str, str]:
    by_risk = _RISKS.index(change.risk), _CHANGES.index(change.change)
    kind = _HOLDING.index(change.kind) if change.kind in _HOLDING else len(_HOLDING)
    return (*by_risk, f"{kind}{change.kind}", change.name)


def _moved(before: Facts, after: Facts) -> set[str]:
    """Name the tables that became partitions or ceased to be: what is in them stays."""
    parents = ("partition of", "inherits")
    return {
        name
        for kind, name in before.keys() & after.keys()
        if any(before[kind, name].get(key) != after[kind, name].get(key) for key in parents)
    }


def _without_parts(there: Facts, elsewhere: Facts, moved: set[str]) -> Iterator[tuple[str, str]]:
    only = there.keys() - elsewhere.keys()
    names = {name for _, name in only}
    for key in only:
        of, part_of = there[key].get("of"), there[key].get("part of")
        if of not in names and of not in moved and part_of not in names:
            yield key


def _risk_of_drop(facts: Facts, key: tuple[str, str]) -> str:
    about = facts[key]
    if key[0] in _HOLDING and ("foreign table", about.get("of")) not in facts:
        return DATA
    is_for_speed = key[0] == "index" and "CREATE UNIQUE" not in about.get("definition", "")
    return NONE if is_for_speed or key[0] == "statistics" else GUARANTEE


def _whole(facts: Facts, key: tuple[str, str], change: str, *, risk: str) -> Change:
    return _change(*key, change, wording.of_whole(facts[key]), risk)


def _renamed(key: tuple[str, str], name: str) -> Change:
    risk = NONE if key[0] in _UNNAMED_BY_QUERIES else GUARANTEE
    return _change(*key, RENAMED, plain(name, limit=_LONGEST_NAME), risk)


def _changed(
    kind: str, name: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Change]:
    keys = sorted(before.keys() | after.keys())
    differing = [key for key in keys if before.get(key) != after.get(key) and key not in _SILENT]
    told = wording.of_change(before, after, differing) if differing else ""
    if risks.is_made_again(kind, before, after):
        again = "; ".join(filter(None, ("dropped and made again", told)))
        yield _change(kind, name, CHANGED, again, DATA)
    elif differing:
        yield _change(kind, name, CHANGED, told, risks.of_change(kind, before, after))


def _change(kind: str, name: str, change: str, details: str, risk: str) -> Change:
    name, details = plain(name, limit=_LONGEST_NAME), plain(details, limit=_LONGEST_DETAILS)
    return Change(kind, name, change, details, risk)
