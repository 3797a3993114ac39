"""What is told of an attribute that changed, in plain text on one line. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pgwire.schema.renames import identity
from pgwire.text import plain, without_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST_TEXT = 120
_MOST_ITEMS = 10
_LISTS = {"values": "value", "checks": "check"}
# What a thing is like while it has no such attribute.
_USUAL = {"persistence": "permanent", "row security": "off", "validated": "yes", "valid": "yes"}
_USUAL.update({"enabled": "yes", "cycle": "no", "not null": "no", "restrictive": "no"})


def of_change(before: Mapping[str, str], after: Mapping[str, str], attributes: list[str]) -> str:
    """Say how these attributes differ; `rest` alone is about what no fact tells."""
    told: list[str] = []
    for key in (key for key in attributes if key != "rest"):
        old, new = (without_passwords(about.get(key, "")) for about in (before, after))
        if key == "values" and _are_renamed(before, after):
            pairs = zip(items(before[key]), items(after[key]))
            told += [f"value '{_short(a)}' renamed to '{_short(b)}'" for a, b in pairs if a != b]
        elif key in _LISTS:
            told += _of_lists(_LISTS[key], before.get(key), after.get(key))
        elif key == "not null" and "not validated" not in (old, new):
            told.append("now NOT NULL" if new else "no longer NOT NULL")
        elif key == "definition" and old and new:
            told.append(f"definition changed: {_differing(old, new)}")
        else:
            usual = _USUAL.get(key, "none")
            told.append(f"{_name(key)} {_short(old) or usual} -> {_short(new) or usual}")
    return "; ".join(told) or "definition changed"


def of_whole(about: Mapping[str, str]) -> str:
    """Say what a thing is that was made or dropped: its type or its short definition."""
    if "returns" in about:
        return f"returns {_short(about['returns'])}"
    told = [_short(about[key]) for key in ("type", "definition") if key in about]
    if "not null" in about:
        told.append("NOT NULL")
    for key in ("default", "generated", "identity"):
        if key in about:
            told.append(f"{key} {_short(about[key])}")
    if "values" in about:
        told.append(", ".join(f"'{plain(each, limit=63)}'" for each in items(about["values"])))
    return plain(" ".join(told), limit=2 * _LONGEST_TEXT)


def items(text: str | None) -> list[str]:
    """Read a list of facts; one that was cut counts as empty."""
    try:
        return [str(item) for item in json.loads(text or "[]")]
    except ValueError:
        return []


def _are_renamed(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether an enum is the same, with as many values: PostgreSQL takes none away."""
    is_same = bool(identity(before)) and identity(before) == identity(after)
    return is_same and len(items(before["values"])) == len(items(after["values"]))


def _of_lists(noun: str, before: str | None, after: str | None) -> Iterator[str]:
    old, new = items(before), items(after)
    changes = [(each, "removed") for each in old if each not in new]
    changes += [(each, "added") for each in new if each not in old]
    quote = "'" if noun == "value" else ""
    for each, how in changes[:_MOST_ITEMS]:
        yield f"{noun} {quote}{_short(each)}{quote} {how}"
    if len(changes) > _MOST_ITEMS:
        yield f"{len(changes) - _MOST_ITEMS} {noun}s more"
    if not changes:
        yield f"order of {noun}s changed" if new else f"{noun}s changed"


def _differing(old: str, new: str) -> str:
    """Show both from the line on where they begin to differ, or from shortly before."""
    unequal = (at for at, (a, b) in enumerate(zip(old, new)) if a != b)
    same = next(unequal, min(len(old), len(new)))
    start = max(old.rfind("\n", 0, same) + 1, same - _LONGEST_TEXT // 2)
    return " -> ".join(_short(text[start:]) or "nothing" for text in (old, new))


def _name(attribute: str) -> str:
    return "table" if attribute == "of" else attribute


def _short(text: str) -> str:
    return plain(without_passwords(text), limit=_LONGEST_TEXT)
