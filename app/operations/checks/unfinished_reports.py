"""What the check run of a migration says of what its commands left unfinished. Pure."""

from collections.abc import Sequence

from app.core import amounts
from app.core.markdown import code
from app.core.runs import Migration, Unfinished, UnfinishedKind

_MOST_NAMED = 20


def title(migration: Migration) -> str:
    """What is added to the title: an invalid index is a fault; else empty."""
    number = len(_of(migration, UnfinishedKind.INDEX))
    if not number:
        return ""
    return f", left {'an invalid index' if number == 1 else f'{number} invalid indexes'}"


def summary(migration: Migration, *, shows_names: bool) -> str:
    """What was left, and what to do; `shows_names`: readers may see what the command printed."""
    parts = []
    if indexes := _of(migration, UnfinishedKind.INDEX):
        what = "an invalid index" if len(indexes) == 1 else f"{len(indexes)} invalid indexes"
        parts.append(
            f"**The run left {what} behind.** PostgreSQL does not use such an index, and"
            " `CREATE INDEX IF NOT EXISTS` takes it for made, so that the next run looks good."
            " Drop it (`DROP INDEX CONCURRENTLY`) and make it again."
        )
        parts.append(_names(indexes) if shows_names else "")
    if constraints := _of(migration, UnfinishedKind.CONSTRAINT):
        parts.append(
            f"Made and not validated: {amounts.counted(len(constraints), 'constraint')}. That may"
            " be meant: rows of before are not held to it until"
            " `ALTER TABLE ... VALIDATE CONSTRAINT`."
        )
        parts.append(_names(constraints) if shows_names else "")
    return "\n\n".join(part for part in parts if part)


def _of(migration: Migration, kind: UnfinishedKind) -> list[Unfinished]:
    return [one for one in migration.unfinished if one.kind is kind]


def _names(found: Sequence[Unfinished]) -> str:
    lines = [
        f"- {code(one.name)} on {code(f'{one.namespace}.{one.table}')}"
        for one in found[:_MOST_NAMED]
    ]
    more = len(found) - len(lines)
    return "\n".join([*lines, f"- and {more} more"] if more else lines)
