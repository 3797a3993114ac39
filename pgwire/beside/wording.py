"""What people read of what is seen beside a command. Pure; names are harmless in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgwire.beside import catalog
from pgwire.beside.catalog import LONGEST_NAME
from pgwire.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgwire.beside.catalog import Unfinished

_WHAT = {
    "advisory": "an advisory lock",
    "transactionid": "a row that another transaction has changed",
    "tuple": "a row that others wait for",
    "virtualxid": "the end of a transaction that began before",
}


def wait(
    waiting: Sequence[str | None],
    holders: Sequence[Sequence[str | None]],
    behind: Sequence[Sequence[str | None]],
) -> list[str]:
    """Say who waits for what, who holds it, and who waits behind; names are harmless afterwards."""
    pid, seconds, kind, mode, relation, application = waiting
    what = _WHAT.get(kind or "", "a lock")
    if relation:
        what = f"a lock on {plain(relation, limit=2 * LONGEST_NAME + 1)}"
    who = f"session {pid}{_named(application)}"
    lines = [f"coppice: {who} has waited for {seconds} s for {what} ({mode})."]
    lines += [f"coppice:   {_holder(holder)}." for holder in holders]
    if behind:
        some = ", ".join(_who(pid, user, name) for pid, user, name in behind[:5])
        more = f" and {len(behind) - 5} more" if len(behind) > 5 else ""
        lines.append(f"coppice:   behind it wait {len(behind)}: {some}{more}.")
    return lines


def _holder(row: Sequence[str | None]) -> str:
    pid, user, application, seconds, state, how = row
    if how == catalog.QUEUED:
        return f"behind {_who(pid, user, application)}, which waits too"
    kept = "held by" if how == catalog.HELD else "those ahead of it wait for"
    if pid == "0":
        return f"{kept} a prepared transaction (pg_prepared_xacts)"
    since = f"in a transaction that began {seconds} s ago" if seconds else ""
    idle = "which waits for its program" if state == "idle in transaction" else ""
    who = f"{kept} {_who(pid, user, application)}"
    return ", ".join(part for part in (who, since, idle) if part)


def _who(pid: str | None, user: str | None, application: str | None) -> str:
    role = plain(user or "PostgreSQL itself", limit=LONGEST_NAME)
    return f"session {pid} of {role}{_named(application)}"


def _named(application: str | None) -> str:
    return f" ('{plain(application, limit=LONGEST_NAME)}')" if application else ""


def invalid_indexes(database: str, unfinished: Sequence[Unfinished]) -> str:
    """Say which indexes a command left invalid, in a sentence or two; empty when it left none."""
    names = [f"{each.namespace}.{each.name}" for each in unfinished if each.kind == catalog.INDEX]
    if not names:
        return ""
    return (
        f"The command left {'an invalid index' if len(names) == 1 else 'invalid indexes'} on"
        f" {database}: {', '.join(names)}. PostgreSQL does not use it, and CREATE INDEX IF NOT"
        " EXISTS takes it for made: drop it (DROP INDEX CONCURRENTLY) and make it again."
    )


def not_validated(database: str, unfinished: Sequence[Unfinished]) -> list[str]:
    """Name each constraint that a command made and did not validate, which is often meant."""
    return [
        f"Made on {database} and not validated: the constraint {each.name} on"
        f" {each.namespace}.{each.table}. Rows of before are not held to it until ALTER TABLE ..."
        " VALIDATE CONSTRAINT."
        for each in unfinished
        if each.kind == catalog.CONSTRAINT
    ]
