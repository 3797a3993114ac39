"""The life of a database: what each event makes of its row, and how a deleted one comes back.

An event takes the row as it stands and gives the row as it stands afterwards; None where the event
does not apply, and nothing is to be done. What an event does not name stays as it is. The store
locks a row, applies one event and saves it (`store/databases`), so that what somebody read of the
database a moment before does not count.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from app.core.databases import ENDED, MARKER_TOKEN_LENGTH, Closing, Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import CommitSha, DatabaseId, DatabaseName
from app.core.repositories import Ancestry
from app.core.standing import Fault

_UNFINISHED = frozenset({DatabaseState.CREATING, DatabaseState.ERROR})


def set_up_again(database: Database, *, for_person: bool, now: datetime) -> Database | None:
    """It is `creating` again, with its data. A person who asks for that opens a frozen one too.

    What a person gives up as lost begins again as it began, and of the next generation.

    Args:
        database: In use. One that waits for a person is left alone unless a person asks.
        for_person: Whether a person asks.
        now: Aware UTC, as everywhere here.
    """
    if database.state in ENDED or (database.waits_for_person and not for_person):
        return None
    begun = _in_state(database, DatabaseState.CREATING, now=now)
    is_lost = database.state is DatabaseState.ERROR and database.reason_code == Fault.MISSING
    return replace(_next_generation(begun), is_made=False) if is_lost and for_person else begun


def afresh(database: Database, *, generation: int) -> Database | None:
    """It is `creating`, to be emptied, and of the next generation: with a marker of its own.

    Whoever asks means the generation that they saw: two who ask at once empty it once.
    """
    if database.state in ENDED or database.generation != generation:
        return None
    return replace(
        _next_generation(database),
        state=DatabaseState.CREATING,
        reason=None,
        reason_code=None,
        is_emptying=True,
        is_frozen=False,
    )


def emptying(database: Database) -> Database | None:
    """What stands under its name is about to be dropped: nothing there is promised any more."""
    return replace(database, is_made=False) if database.is_emptying else None


def emptied(database: Database, *, parent: DatabaseId | None = None) -> Database | None:
    """What stood under its name has been dropped; it begins as a clone of the parent, if any."""
    if not database.is_emptying:
        return None
    return replace(database, is_emptying=False, cloned_from=parent)


def cloned(database: Database, *, parent: DatabaseId | None) -> Database | None:
    """One that was not made yet begins as a clone of another template, or empty."""
    if database.is_made or database.state in ENDED:
        return None
    return replace(database, cloned_from=parent)


def made(database: Database, *, generation: int, now: datetime) -> Database | None:
    """All that it needs stands on its server: it is `ready`.

    Not if it has begun afresh meanwhile: then its server holds what is of another generation.
    """
    if database.state not in _UNFINISHED or database.generation != generation:
        return None
    return _ready(database, now=now)


def failed(
    database: Database, *, reason: str, reason_code: str | None, now: datetime
) -> Database | None:
    """It is an `error` from now on, also one that was deleted and could not be restored."""
    if database.state is DatabaseState.GONE:
        return None
    return replace(
        _in_state(database, DatabaseState.ERROR, now=now), reason=reason, reason_code=reason_code
    )


def frozen(database: Database, *, reason: str, reason_code: str) -> Database | None:
    """A ready one is past its limit, and lets nobody in; one that is frozen already stays so."""
    if database.is_shut:
        return database
    if database.state is not DatabaseState.READY:
        return None
    return replace(
        database,
        state=DatabaseState.ERROR,
        reason=reason,
        reason_code=reason_code,
        is_frozen=True,
    )


def thawed(database: Database) -> Database | None:
    """There is space again: a frozen one is `creating`, so that it is opened; by no person."""
    if not database.is_shut:
        return None
    return replace(
        database,
        state=DatabaseState.CREATING,
        reason=None,
        reason_code=None,
        is_frozen=False,
    )


def deleted(
    database: Database, *, because: Closing, drop_after: datetime | None
) -> Database | None:
    """It lets nobody in; its data is kept, also data that was to be emptied and still stands there.

    For one that is deleted already, the reason and the time are new.

    Args:
        database: Any but one that is gone.
        because: That a branch became the default branch is news of the branch: it is not missing.
        drop_after: Until when the data is kept; None: for ever.
    """
    if database.state is DatabaseState.GONE:
        return None
    return replace(
        database,
        state=DatabaseState.DELETED,
        reason=None,
        reason_code=None,
        drop_after=drop_after,
        closed_because=because,
        is_emptying=False,
        is_unwanted=database.is_unwanted and database.state is DatabaseState.DELETED,
        missing_since=None if because is Closing.BECAME_DEFAULT else database.missing_since,
    )


def sealed(database: Database, *, generation: int) -> Database | None:
    """A template is finished: databases are cloned from it, and nobody ever enters it again."""
    if database.state is not DatabaseState.READY or database.generation != generation:
        return None
    return _set_aside(database, because=Closing.SEALED, drop_after=None)


def discarded(database: Database, *, now: datetime) -> Database | None:
    """A template was not finished: it is dropped, and another takes its place."""
    if database.state in ENDED:
        return None
    return _set_aside(database, because=Closing.FAILED, drop_after=now)


def unwanted(database: Database) -> Database | None:
    """A person wants a deleted one dropped now. That is forgotten when it is restored."""
    return replace(database, is_unwanted=True) if database.state is DatabaseState.DELETED else None


def restored(database: Database, *, now: datetime) -> Database | None:
    """A deleted one is open again, data and all; one that was never finished is `creating`."""
    if database.state is not DatabaseState.DELETED:
        return None
    if database.is_made:
        return _ready(database, now=now)
    return _in_state(database, DatabaseState.CREATING, now=now)


def retired(database: Database, *, name: DatabaseName) -> Database | None:
    """A deleted one was renamed out of a fresh one's way, and is kept for the rest of its time."""
    if database.state is not DatabaseState.DELETED:
        return None
    return replace(database, is_live=False, name=name)


def gone(database: Database, *, now: datetime) -> Database | None:
    """A deleted one was dropped. The store forgets its password as well."""
    if database.state is not DatabaseState.DELETED:
        return None
    return replace(
        _in_state(database, DatabaseState.GONE, now=now),
        is_made=False,
        is_live=False,
    )


def migrated(database: Database, *, head_sha: CommitSha, now: datetime) -> Database:
    """A commit was migrated successfully."""
    return replace(database, migrated_sha=head_sha, migrated_at=now)


def branch_missing(database: Database, *, now: datetime) -> Database:
    """A reconcile saw its branch no more; when it first did so counts."""
    return replace(database, missing_since=database.missing_since or now)


def branch_seen(database: Database) -> Database:
    """Its branch is there."""
    return replace(database, missing_since=None)


def _set_aside(
    database: Database, *, because: Closing, drop_after: datetime | None
) -> Database | None:
    closed = deleted(database, because=because, drop_after=drop_after)
    return closed and replace(closed, is_live=False)


def _ready(database: Database, *, now: datetime) -> Database:
    ready = _in_state(database, DatabaseState.READY, now=now)
    return replace(ready, ready_at=now, missing_since=None, is_made=True)


def _in_state(database: Database, state: DatabaseState, *, now: datetime) -> Database:
    """No more deleted, and without a reason. Every state but `error` opens what was frozen."""
    is_opened = database.is_frozen and state is not DatabaseState.ERROR
    return replace(
        database,
        state=state,
        reason=None,
        reason_code=None,
        drop_after=None,
        closed_because=None,
        is_unwanted=False,
        is_frozen=database.is_frozen and not is_opened,
        opened_at=now if is_opened else database.opened_at,
    )


def _next_generation(database: Database) -> Database:
    generation = database.generation + 1
    return replace(
        database,
        generation=generation,
        marker=f"{database.marker[:MARKER_TOKEN_LENGTH]}{generation:08x}",
        migrated_sha=None,
        migrated_at=None,
    )


class Comeback(StrEnum):
    """How a deleted database's environment gets a database again."""

    RESTORE = "restore"
    FRESH = "fresh"
    """A new one; the old one is renamed and kept for the rest of its time."""


def restore_or_fresh(database: Database, *, ancestry: Ancestry, now: datetime) -> Comeback:
    """Whether a deleted database is restored, data and all, or replaced.

    A branch that begins anew elsewhere in history must not find the data of its namesake. Other
    environments have no namesakes, and a branch that was never deleted is none: what was closed
    for another reason comes back with its data, wherever the branch went meanwhile.

    Args:
        database: The live row in state `deleted`.
        ancestry: How the branch's new head relates to `database.migrated_sha`; UNKNOWN when nothing
            was migrated there.
        now: Aware UTC.
    """
    if database.environment is not Environment.BRANCH:
        return Comeback.RESTORE
    if database.is_branch_kept:
        return Comeback.RESTORE
    if database.drop_after is None or now >= database.drop_after:
        return Comeback.FRESH
    continues = ancestry in (Ancestry.IDENTICAL, Ancestry.AHEAD)
    return Comeback.RESTORE if continues and database.migrated_sha else Comeback.FRESH
