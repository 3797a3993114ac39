"""Tables of rules: dataclasses whose fields say how people give each rule and where they see it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Table = TypeVar("Table")


# Compared as objects: `typing` keeps one annotation for those that are equal.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Described:
    """What the API's own description says of a field, where its name does not."""

    description: str = ""
    example: str = ""
    pattern: str = ""
    """What a text must match."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule(Described):
    """What is said of one rule; it stands in the annotation of its field, which has the default.

    The command line, the API, the form, the page of facts and the documents take it from there.
    """

    option: str
    """On the command line."""
    metavar: str | None = None
    """What is to be typed after it; None: one of the choices, or nothing."""
    help: str
    """Of the option, with the default in words."""
    label: str
    """Of the field in the form."""
    hint: str = ""
    """Beside the label."""
    choices: Mapping[str, str] | None = None
    """What the form calls each choice."""
    rows: int = 2
    """Height in the form, of a list."""
    group: str = ""
    """Title over the field and its neighbours in the form."""
    fact: str = ""
    """Label on the page of facts; the form's unless given."""
    told: str | Mapping[str, str] = ""
    """Words on that page, beside the value or, by choice, for it: only what is unusual is there."""
    name: str = ""
    """Of the field, known to `rules_of`."""
    kind: Any = str
    """Of its values, known to `rules_of`: `str`, `bool`, `int`, `tuple` (of texts), a `StrEnum`."""
    default: Any = None
    """Known to `rules_of`."""


@cache
def rules_of(table: type[Any]) -> tuple[Rule, ...]:
    """The rules of a table, in its order."""
    hints = get_type_hints(table, include_extras=True)
    return tuple(
        replace(rule, name=field.name, kind=_kind(hints[field.name]), default=field.default)
        for field in fields(table)
        for rule in get_args(hints[field.name])
        if isinstance(rule, Rule)
    )


def changed(before: Table, given: Mapping[str, Any]) -> Table:
    """The rules with what was given in words put in; None, and what is absent, stays.

    Raises ValueError for a choice that does not exist.
    """
    table: Any = before
    rules = [rule for rule in rules_of(table.__class__) if given.get(rule.name) is not None]
    after: Table = replace(table, **{rule.name: rule.kind(given[rule.name]) for rule in rules})
    return after


def _kind(hint: Any) -> Any:
    bare = get_args(hint)[0]
    known = get_args(bare)[0] if type(None) in get_args(bare) else bare
    return get_origin(known) or known
