"""What traces say of a run: that of one migration, and all of its branch that production lacks."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from app.core.assignments import Policies
from app.core.environments import Environment
from app.core.errors import CoppiceError
from app.core.identifiers import AppId, BranchName, CommitSha
from app.core.repositories import Ancestry
from app.core.runs import Migration, Run
from app.core.trace_findings import Judgement, judge
from app.core.traces import Trace
from app.operations.services import Services
from app.store.store import Store

_MOST_ASKED = 5
"""Of how many commits GitHub is asked: somebody waits for the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the trace of a migration tells, beside that which is told of its commit."""

    own: Judgement
    told: Migration
    of_told: Judgement

    @property
    def is_news(self) -> bool:
        """Whether it tells what the other does not."""
        return self.own is self.of_told or bool(self.own.told and not self.of_told.told)


def of_migration(store: Store, run: Run, migration: Migration) -> Judgement | None:
    """What the trace of a migration tells; None where it was not to be traced."""
    trace = store.migrations.trace(migration.id)
    if trace is None:
        return None
    return judge(trace, store.measurements.tables(run.app_id), policies_of(store, run))


def of_branch(services: Services, run: Run, migration: Migration, found: Judgement) -> Judgement:
    """The same with what its branch did besides: a check is about all that a merge would bring.

    A database is migrated push by push, and a commit's own run sees the last part only. Where it
    was empty, preview saw what its tables were made for.
    """
    others = _others(services, run, migration)
    return judge(found.trace, found.production, found.policies, others=others)


def so_far(
    services: Services, app_id: AppId, branch: BranchName | None
) -> tuple[Run, Migration, Judgement] | None:
    """What the traces of a branch say until now, by the last of its runs; None: there is none."""
    store = services.store
    database = store.databases.live(app_id, Environment.BRANCH, branch) if branch else None
    last = store.migrations.last_traced(database.id) if database else None
    if last is None:
        return None
    run = store.runs.get(last.run_id)
    told = told_of(store, run) or last
    found = of_migration(store, run, told)
    return (run, told, of_branch(services, run, told, found)) if found else None


def told_of(store: Store, run: Run) -> Migration | None:
    """The migration whose trace is the commit's: the primary database's, or else preview's.

    Preview's too where the other was empty, and so shows nothing of what is new.
    """
    traced = [one for one in store.migrations.of_run(run.id) if one.traced is not None]

    def goodness(one: Migration) -> tuple[bool, bool, int]:
        is_blind = one.traced is not None and one.traced.is_blind
        return (not is_blind, one.environment is run.primary, one.id)

    return max(traced, key=goodness, default=None)


def of_run(store: Store, run: Run, migration: Migration) -> Seen | None:
    """What the run's traces tell when one of its migrations has ended; each is read once."""
    own = of_migration(store, run, migration)
    if own is None:
        return None
    told = told_of(store, run) or migration
    trace = None if told.id == migration.id else store.migrations.trace(told.id)
    if trace is None:
        return Seen(own=own, told=migration, of_told=own)
    return Seen(own=own, told=told, of_told=judge(trace, own.production, own.policies))


def policies_of(store: Store, run: Run) -> Policies:
    """The safe ones where the assignment has ended meanwhile."""
    assignment = store.apps.assignment(run.app_id)
    return assignment.policies if assignment else Policies()


def _others(services: Services, run: Run, migration: Migration) -> Iterator[Trace]:
    store = services.store
    database = run.branch and store.databases.live(run.app_id, Environment.BRANCH, run.branch)
    if not database:
        return
    found = store.migrations.traces_of_branch(database.id, but=migration.id)
    lacking = _lacking(services, run, list(dict.fromkeys(commit for commit, _ in found)))
    yield from (trace for commit, trace in found if commit in lacking)


def _lacking(services: Services, run: Run, commits: Sequence[CommitSha]) -> Set[CommitSha]:
    """Those of a branch's commits, the newest first, to which production has not been migrated.

    What production has, it has with all that came before. Mostly it has not even the oldest.
    """
    if not commits:
        return set()
    repository = services.store.repositories.get(run.repository_id)
    production = services.store.databases.live(run.app_id, Environment.PRODUCTION)
    migrated = production.migrated_sha if production else None

    def is_there(commit: CommitSha) -> bool:
        """Whether production has been migrated to it or a later one, as far as is known."""
        if repository is None or migrated is None or commit in {run.head_sha, migrated}:
            return commit == migrated
        try:
            ancestry = services.github.compare(repository, base=commit, head=migrated)
        except CoppiceError:  # of GitHub's, which knows it and is not to be had
            return False
        return ancestry is Ancestry.AHEAD

    if not is_there(commits[-1]):
        return set(commits)
    for number, commit in enumerate(commits[:_MOST_ASKED]):
        if is_there(commit):
            return set(commits[:number])
    return set(commits[:-1])
