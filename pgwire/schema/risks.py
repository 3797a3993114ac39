"""Whether a change loses values, or takes away what others rely on. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgwire.schema import wording
from pgwire.schema.renames import identity

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA, GUARANTEE, NONE = "data", "guarantee", ""

_SECURITY = (None, "enabled", "forced")
_MODIFIER = re.compile(r"\(([-\d,]+)\)")
_ANY_TEXT = ("text", "character varying")
_MOMENTS = ("timestamp without time zone", "timestamp with time zone")
_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
# Types that hold whatever the one on the left does.
_WIDER = {
    "smallint": ("integer", "bigint", "numeric", "real", "double precision"),
    "integer": ("bigint", "numeric", "double precision"),
    "bigint": ("numeric",),
    "real": ("double precision",),
    "character": _ANY_TEXT,
    "character varying": _ANY_TEXT,
    "text": _ANY_TEXT,
    "date": _MOMENTS,
    "timestamp without time zone": _MOMENTS,
    "timestamp with time zone": _MOMENTS,
    "cidr": ("inet",),
}


def of_change(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Judge how the attributes of one thing changed: DATA, GUARANTEE or NONE."""
    if _loses_values(kind, before, after):
        return DATA
    if _holds_less(before, after) or _promises_less(kind, before, after):
        return GUARANTEE
    return NONE


def is_made_again(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Tell a table or column from another one of its name that took its place."""
    old, new = (about.get("id", "").split("@") for about in (before, after))
    if kind not in ("table", "column") or old[1:] != new[1:]:
        return False  # in a database that was restored all of them are others
    within = "." if kind == "column" else "/"
    return old != new and old[0].rpartition(within)[0] == new[0].rpartition(within)[0]


def _loses_values(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    if kind == "sequence":
        return False
    # A column is not made a generated one: it was dropped, and made again under its name.
    is_made_again = "generated" in after and "generated" not in before
    is_narrowed = not keeps_values(before.get("type", ""), after.get("type", ""))
    return is_made_again or is_narrowed or _lacks_values(before, after)


def _lacks_values(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether an enum lacks values that it had; of one that is the same they were renamed."""
    is_same = bool(identity(before)) and identity(before) == identity(after)
    return _has_fewer("values", before, after) and not is_same


def _holds_less(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether rows are held to less than before, or are less safe."""

    def becomes(key: str, value: str | None) -> bool:
        return before.get(key) != after.get(key) == value

    return (
        ("not null" in before and before["not null"] != after.get("not null") != "yes")
        or becomes("validated", "no")
        or becomes("valid", "no")
        or becomes("enabled", "no")
        or becomes("persistence", "unlogged")
        or _has_fewer("checks", before, after)
        or _has_fewer("values", before, after)
    )


def _promises_less(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Whether something is less strict than before, or may be, as nobody can tell."""
    old, new = _definition(kind, before), _definition(kind, after)
    if kind in ("constraint", "policy"):
        return old != new
    was_unique = kind == "index" and "CREATE UNIQUE" in old and "CREATE UNIQUE" not in new
    is_less_secure = _SECURITY.index(before.get("row security")) > _SECURITY.index(
        after.get("row security")
    )
    return was_unique or is_less_secure or _secured(before) > _secured(after)


def _definition(kind: str, about: Mapping[str, str]) -> str:
    keys = ("for", "restrictive", "to", "using", "with check") if kind == "policy" else ()
    return "\n".join(about.get(key, "") for key in (*keys, "definition", "rest"))


def _secured(about: Mapping[str, str]) -> set[str]:
    """Say which options of a view guard rows."""
    return {each for each in about.get("options", "").split(", ") if each.startswith("security_")}


def _has_fewer(key: str, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    return not set(wording.items(before.get(key))) <= set(wording.items(after.get(key)))


def keeps_values(before: str, after: str) -> bool:
    """Compare two types as format_type writes them; what is not known to be safe is not."""
    if before.endswith("[]") and after.endswith("[]"):
        return keeps_values(before[:-2], after[:-2])
    old, old_sizes = _parts(before)
    new, new_sizes = _parts(after)
    if new == "text":
        return True
    if new != old and new not in _WIDER.get(old, ()):
        return False
    if not new_sizes:
        return True
    if new == "numeric":
        return _holds_number(old, old_sizes, new_sizes)
    return bool(old_sizes) and old_sizes <= new_sizes


def _holds_number(old: str, old_sizes: tuple[int, ...], new_sizes: tuple[int, ...]) -> bool:
    precision, scale = new_sizes
    if old in _DIGITS:
        return scale >= 0 and precision - scale >= _DIGITS[old]
    if not old_sizes:
        return False
    return scale >= old_sizes[1] and precision - scale >= old_sizes[0] - old_sizes[1]


def _parts(type_name: str) -> tuple[str, tuple[int, ...]]:
    """Split `numeric(10,2)` into `numeric`, and 10 and 2."""
    found = _MODIFIER.search(type_name)
    sizes = tuple(int(size) for size in found[1].split(",")) if found else ()
    return _MODIFIER.sub("", type_name), sizes
