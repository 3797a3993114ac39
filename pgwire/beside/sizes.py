"""Reads how large the tables of a database are, by its catalog's estimates: nothing is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgwire.beside.watch import TROUBLE
from pgwire.trace import relations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgwire.client import Session

_MOST_TABLES = 5_000


def read(session: Session | None) -> Mapping[str, Mapping[str, int]] | None:
    """Give rows (-1: never estimated) and bytes of each table, the largest first.

    By the names that a trace has. None where they cannot be read, which is nobody's failure.
    """
    if session is None:
        return None
    try:
        found = relations.read(session)
    except TROUBLE:
        return None
    return {
        str(each): {"rows": each.rows, "bytes": each.bytes}
        for each in found.tables()[:_MOST_TABLES]
    }
