"""Databases on our servers that nobody here remembers: told of, never touched.

They are what a state database restored from an old backup has forgotten.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.core.errors import ServerUnreachable
from app.core.identifiers import DatabaseName
from app.operations.services import Services

# Ids that Coppice makes itself; those that people chose are known only while their app is.
_MADE_HERE = re.compile(r"[0-9a-f]{6}-(production|preview|dev|dev-shadow|retired-[0-9]+|-.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A database that looks like one of ours and has no row."""

    instance: str
    name: DatabaseName


def unknown_databases(services: Services) -> list[Stray]:
    """All of them; servers that do not answer are left out."""
    rows = services.databases.all(include_gone=True)
    prefixes = {f"{row.app_id}-" for row in rows}
    prefixes |= {f"{one.app.id}-" for one in services.apps.assignments()}
    found: list[Stray] = []
    for instance in services.instances.all():
        known = {row.name for row in services.databases.all(instance_id=instance.id)}
        try:
            names = services.server_for(instance).database_names(prefix="")
        except ServerUnreachable:
            continue
        unknown = (name for name in names if name not in known and _is_ours(name, prefixes))
        found += [Stray(instance=instance.name, name=name) for name in unknown]
    return found


def _is_ours(name: DatabaseName, prefixes: Iterable[str]) -> bool:
    return name.startswith(tuple(prefixes)) or _MADE_HERE.fullmatch(name) is not None
