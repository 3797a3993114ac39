"""What traces say of a run: that of one migration, and all of its branch that production lacks."""

from collections.abc import Iterator, Sequence, Set

from app.core.assignments import Policies
from app.core.environments import Environment
from app.core.errors import CoppiceError
from app.core.identifiers import CommitSha
from app.core.repositories import Ancestry
from app.core.runs import Migration, Run
from app.core.trace_findings import Judgement, judge
from app.core.traces import Trace
from app.operations.services import Services
from app.store.store import Store

_MOST_ASKED = 5
"""Of how many commits GitHub is asked: somebody waits for the answer."""


def of_migration(store: Store, run: Run, migration: Migration) -> Judgement | None:
    """What the trace of a migration tells; None where it was not to be traced."""
    trace = store.migrations.trace(migration.id)
    if trace is None:
        return None
    return judge(trace, store.measurements.tables(run.app_id), policies_of(store, run))


def of_branch(services: Services, run: Run, migration: Migration) -> Judgement | None:
    """The same with what its branch did besides: a check is about all that a merge would bring.

    A database is migrated push by push, and a commit's own run sees the last part only. Where it
    was empty, preview saw what its tables were made for.
    """
    store = services.store
    trace = store.migrations.trace(migration.id)
    if trace is None:
        return None
    others = list(_others(services, run, migration))
    tables = store.measurements.tables(run.app_id)
    return judge(trace, tables, policies_of(store, run), others=others)


def told_of(store: Store, run: Run) -> Migration | None:
    """The migration whose trace is the commit's: the primary database's, or else preview's.

    Preview's too where the other was empty, and so shows nothing of what is new.
    """
    traced = [one for one in store.migrations.of_run(run.id) if one.traced is not None]

    def goodness(one: Migration) -> tuple[bool, bool, int]:
        is_blind = one.traced is not None and one.traced.is_blind
        return (not is_blind, one.environment is run.primary, one.id)

    return max(traced, key=goodness, default=None)


def is_news(store: Store, run: Run, migration: Migration, found: Judgement) -> bool:
    """Whether the trace tells what that of the run's first traced database does not."""
    first = told_of(store, run)
    if first is None or first.id == migration.id:
        return True
    judged = of_migration(store, run, first)
    return bool(found.told) and not (judged and judged.told)


def policies_of(store: Store, run: Run) -> Policies:
    """The safe ones where the assignment has ended meanwhile."""
    assignment = store.apps.assignment(run.app_id)
    return assignment.policies if assignment else Policies()


def _others(services: Services, run: Run, migration: Migration) -> Iterator[Trace]:
    if run.branch is None:
        return
    database = services.store.databases.live(run.app_id, Environment.BRANCH, run.branch)
    if database is None:
        return
    found = services.store.migrations.traces_of_branch(database.id, but=migration.id)
    lacking = _lacking(services, run, list(dict.fromkeys(commit for commit, _ in found)))
    yield from (trace for commit, trace in found if commit in lacking)


def _lacking(services: Services, run: Run, commits: Sequence[CommitSha]) -> Set[CommitSha]:
    """Those of a branch's commits, the newest first, to which production has not been migrated.

    What production has, it has with all that came before. Mostly it has not even the oldest.
    """
    if not commits or not _is_in_production(services, run, commits[-1]):
        return set(commits)
    for number, commit in enumerate(commits[:_MOST_ASKED]):
        if _is_in_production(services, run, commit):
            return set(commits[:number])
    return set(commits[:-1])


def _is_in_production(services: Services, run: Run, commit: CommitSha) -> bool:
    """Whether production has been migrated to that commit or a later one, as far as is known."""
    repository = services.store.repositories.get(run.repository_id)
    production = services.store.databases.live(run.app_id, Environment.PRODUCTION)
    if repository is None or production is None or production.migrated_sha is None:
        return False
    if commit == run.head_sha:
        return commit == production.migrated_sha
    try:
        ancestry = services.github.compare(repository, base=commit, head=production.migrated_sha)
    except CoppiceError:  # of GitHub's, which knows it and is not to be had
        return False
    return ancestry in {Ancestry.IDENTICAL, Ancestry.AHEAD}
