"""Lifecycle: when a database comes back, is passed over, or goes; and what an instance shows."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from app.core.databases import BRANCH_LIVED, Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import BranchName
from app.core.repositories import Ancestry

# One answer of GitHub's is not enough to delete by: two reads this far apart must agree.
MISSING_BEFORE_DELETION = timedelta(minutes=10)

# However wrong the answers are, this much of an app goes at once, and one database may always go.
MAX_DELETED_PERCENT = 20


class Comeback(StrEnum):
    """How a deleted database's environment gets a database again."""

    RESTORE = "restore"
    FRESH = "fresh"
    """A new one; the old one is renamed and kept for the rest of its time."""


class InstanceStatus(StrEnum):
    """What an instance shows."""

    CONNECTED = "Connected"
    CREATING = "Creating"
    ERROR = "Error"
    UNASSIGNED = "Unassigned"
    UNREACHABLE = "Unreachable"
    """Its machine gives no sign of life: of the server nothing is known since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What to do about databases whose branch may be gone."""

    mark_missing: tuple[Database, ...] = ()
    """Absent for the first time: remember when."""
    unmark: tuple[Database, ...] = ()
    """There again: forget it."""
    delete: tuple[Database, ...] = ()
    """Absent for long enough: state `deleted`, data kept for the retention time. Of those that are
    deleted already it is now known that their branch is, too."""


def restore_or_fresh(deleted: Database, *, ancestry: Ancestry, now: datetime) -> Comeback:
    """Whether a deleted database is restored, data and all, or replaced.

    A branch that begins anew elsewhere in history must not find the data of its namesake. Other
    environments have no namesakes, and a branch that was never deleted is none: what was closed
    for another reason comes back with its data, wherever the branch went meanwhile.

    Args:
        deleted: The live row in state `deleted`.
        ancestry: How the branch's new head relates to `deleted.migrated_sha`; UNKNOWN when nothing
            was migrated there.
        now: Aware UTC.
    """
    if deleted.environment is not Environment.BRANCH:
        return Comeback.RESTORE
    if deleted.is_branch_kept:
        return Comeback.RESTORE
    if deleted.drop_after is None or now >= deleted.drop_after:
        return Comeback.FRESH
    continues = ancestry in (Ancestry.IDENTICAL, Ancestry.AHEAD)
    return Comeback.RESTORE if continues and deleted.migrated_sha else Comeback.FRESH


def is_passed_over(ancestry: Ancestry, *, is_live_head: bool, is_newer_alive: bool) -> bool:
    """Whether a run is superseded: its commit is a strict ancestor of the last migrated one.

    The same commit, another line of history and an unknown ancestry all run. So does the head of
    a branch that was forced back: the newer commit is not part of it any more. On a database that
    several branches share, that one may be alive elsewhere, and then an old branch does not undo
    it.

    Args:
        ancestry: How the run's commit relates to the last migrated one.
        is_live_head: The run's commit is the head of its branch now.
        is_newer_alive: The last migrated commit is part of another branch that shares the database.
    """
    return ancestry is Ancestry.BEHIND and (is_newer_alive or not is_live_head)


def sweep(
    databases: Iterable[Database],
    *,
    branches: Collection[BranchName],
    default_branch: BranchName,
    now: datetime,
) -> Sweep:
    """Which databases of a repository's apps have lost their branch.

    Looks at nothing but branch databases that are in use, or were closed while their branch lived:
    production and preview never go because of what GitHub lists. A branch that became the default
    branch counts as absent: it is production now, and its own database is a leftover, closed until
    it is a plain branch again.

    Args:
        databases: Of one repository; any state.
        branches: The whole live list. A list without the default branch is not believed: then
            nothing is done.
        default_branch: The live one.
        now: Aware UTC.
    """
    if default_branch not in branches:
        return Sweep()
    present = frozenset(branches)

    def is_absent(database: Database) -> bool:
        is_leftover = database.branch == default_branch and _is_in_use(database.state)
        return is_leftover or database.branch not in present

    ours = [one for one in databases if _may_be_swept(one)]
    return Sweep(
        mark_missing=tuple(one for one in ours if is_absent(one) and one.missing_since is None),
        unmark=tuple(one for one in ours if not is_absent(one) and one.missing_since),
        delete=tuple(
            database
            for _, of_app in groupby(sorted(ours, key=_by_app), key=_by_app)
            for database in _deletable(list(of_app), is_absent=is_absent, now=now)
        ),
    )


def instance_status(
    states: Iterable[DatabaseState],
    *,
    is_assigned: bool,
    is_failing: bool,
    is_unreachable: bool = False,
) -> InstanceStatus:
    """One word for an instance, from its server and the databases of the apps assigned to it.

    Deleted databases do not count. Failures show first: they need a person. An app that was just
    assigned has no databases for a moment: they are on their way.

    Args:
        states: Of the databases of assigned apps.
        is_assigned: Whether there is such an app.
        is_failing: The server did not answer when it was last asked, or cannot be used. No state
            of a database tells that: nobody has touched them since.
        is_unreachable: Its machine is silent, so that all else is of before.
    """
    if is_unreachable:
        return InstanceStatus.UNREACHABLE
    if is_failing:
        return InstanceStatus.ERROR
    if not is_assigned:
        return InstanceStatus.UNASSIGNED
    known = set(states)
    current = {state for state in known if _is_in_use(state)}
    if not known:
        return InstanceStatus.CREATING
    if DatabaseState.ERROR in current:
        return InstanceStatus.ERROR
    if DatabaseState.CREATING in current:
        return InstanceStatus.CREATING
    return InstanceStatus.CONNECTED


def _deletable(
    of_app: Sequence[Database], *, is_absent: Callable[[Database], bool], now: datetime
) -> list[Database]:
    """The longest missing databases of one app, as many as may go in one pass."""
    limit = max(1, len(of_app) * MAX_DELETED_PERCENT // 100)
    missing = [
        (one.missing_since, one.id, one)
        for one in of_app
        if is_absent(one)
        and one.missing_since is not None
        and now - one.missing_since >= MISSING_BEFORE_DELETION
    ]
    return [one for _, _, one in sorted(missing, key=lambda item: item[:2])[:limit]]


def _by_app(database: Database) -> str:
    return database.app_id


def _may_be_swept(database: Database) -> bool:
    return (
        database.environment is Environment.BRANCH
        and database.is_live
        and (_is_in_use(database.state) or database.closed_because in BRANCH_LIVED)
    )


def _is_in_use(state: DatabaseState) -> bool:
    return state not in (DatabaseState.DELETED, DatabaseState.GONE)
