"""The sweep of a repository: which branch databases have lost their branch."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from app.core.databases import BRANCH_LIVED, ENDED, Database
from app.core.environments import Environment
from app.core.identifiers import BranchName

# One answer of GitHub's is not enough to delete by: two reads this far apart must agree.
MISSING_BEFORE_DELETION = timedelta(minutes=10)

# However wrong the answers are, this much of an app goes at once, and one database may always go.
MAX_DELETED_PERCENT = 20


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
        is_leftover = database.branch == default_branch and database.state not in ENDED
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
        and (database.state not in ENDED or database.closed_because in BRANCH_LIVED)
    )
