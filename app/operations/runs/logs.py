"""What the commands of past migrations wrote: all of it, where all of it was kept."""

from app.core import ansi
from app.core.runs import Migration
from app.store.store import Store


def texts(store: Store, migration: Migration) -> tuple[str, str]:
    """Of the migration command and of the seed command, with colours, without secrets.

    Where no more was kept, the ends of them.
    """
    log, seed_log = store.history.log(migration.id)
    seed_tail = migration.seeding.log_tail if migration.seeding is not None else ""
    return log or migration.log_tail, seed_log or seed_tail


def plain(text: str) -> str:
    """A log for programs and files: no colours, no line that was written over."""
    lines = "\n".join(ansi.plain(line) for line in ansi.lines(text))
    return f"{lines}\n" if lines and text.endswith("\n") else lines
