"""Extensions: what an assignment asks for, and what a server has."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.core.errors import Invalid

# https://www.postgresql.org/docs/current/sql-createextension.html
_NAME = re.compile(r"[a-zA-Z0-9_]+(?:[.-][a-zA-Z0-9_]+)*")
_SCHEMA = re.compile(r"(?!pg_)[^\x00-\x1f\x7f:\"]+")
_LONGEST_BYTES = 63
_USUAL_SCHEMA = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An extension that is to be in each database."""

    name: str
    schema: str | None = None
    """Where its objects are to be; None: wherever is usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Available:
    """An extension that a server has, as its control file describes it."""

    name: str
    is_trusted: bool
    """Who may create objects in a database may make it there, and becomes its owner."""
    schema: str | None
    """The only one that it can be in; None: any."""
    requires: tuple[str, ...]


def parse(text: str) -> Wanted:
    """Read `NAME` or `NAME:SCHEMA`. Raises Invalid."""
    name, colon, schema = text.strip().partition(":")
    is_schema = not colon or (
        bool(_SCHEMA.fullmatch(schema)) and len(schema.encode()) <= _LONGEST_BYTES
    )
    if not _NAME.fullmatch(name) or not is_schema:
        raise Invalid(
            f"{text!r} names no extension.",
            advice="Write its name, as in pg_trgm, or with a schema of your own for it, as in"
            " vector:extensions.",
        )
    return Wanted(name=name, schema=schema or None)


def parse_all(texts: Collection[str]) -> tuple[Wanted, ...]:
    """Read each. Raises Invalid, also for one extension in two schemas."""
    found: dict[str, Wanted] = {}
    for wanted in map(parse, texts):
        if found.setdefault(wanted.name, wanted) != wanted:
            raise Invalid(
                f"The extension {wanted.name} is asked for in two schemas.",
                advice="A database has an extension once: name one schema.",
            )
    return tuple(found.values())


def with_requirements(
    wanted: Sequence[Wanted], available: Mapping[str, Available]
) -> tuple[Wanted, ...]:
    """These and what they require, each after what it requires, whatever the order of `wanted`.

    What nobody asked for by itself goes where the one that requires it goes.
    """
    asked = {one.name: one for one in wanted}
    ordered: dict[str, Wanted] = {}

    def add(one: Wanted, below: frozenset[str]) -> None:
        if one.name in ordered or one.name in below:
            return
        known = available.get(one.name)
        for name in known.requires if known else ():
            add(asked.get(name, Wanted(name=name, schema=one.schema)), below | {one.name})
        ordered[one.name] = one

    for one in wanted:
        add(one, frozenset())
    return tuple(ordered.values())


def schema_for(wanted: Wanted, available: Available) -> str | None:
    """The schema that PostgreSQL is to be told; None: the extension has its own."""
    return None if available.schema else wanted.schema or _USUAL_SCHEMA


def check_schemas(wanted: Sequence[Wanted], available: Mapping[str, Available]) -> None:
    """Raise Invalid for a schema in which an extension cannot be."""
    for one in wanted:
        own = available[one.name].schema
        if one.schema and own and one.schema != own:
            raise Invalid(
                f"The extension {one.name} is always in the schema {own}.",
                advice=f"Ask for {one.name} alone, without a schema.",
            )
