"""What traces say of a run: that of one migration, and all of its branch that production lacks."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from app.core.assignments import Policies
from app.core.databases import Database
from app.core.environments import Environment
from app.core.errors import CoppiceError
from app.core.identifiers import AppId, BranchName, CommitSha, MigrationId
from app.core.repositories import Ancestry, Repository
from app.core.runs import Migration, Run
from app.core.trace_findings import Gap, Judgement, judge
from app.core.trace_history import (
    Elsewhere,
    Likeness,
    Past,
    is_of_others,
    likeness,
    without_known,
)
from app.core.traces import Trace
from app.operations.services import Services
from app.store.store import Store

_INSIDE = frozenset({Ancestry.IDENTICAL, Ancestry.AHEAD})
_OUTSIDE = frozenset({Ancestry.BEHIND, Ancestry.DIVERGED})
_MOST_TRACES = 100
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
    production = store.measurements.tables(run.app_id)
    judged = judge(trace, production.tables if production else None, policies_of(store, run))
    return replace(judged, measured_at=production.measured_at if production else None)


def of_branch(services: Services, run: Run, migration: Migration, found: Judgement) -> Judgement:
    """The same with what its branch did besides: a check is about all that a merge would bring.

    A database is migrated push by push, and a commit's own run sees the last part only. Where it
    was empty, preview saw what its tables were made for.
    """
    store = services.store
    database = run.branch and store.databases.live(run.app_id, Environment.BRANCH, run.branch)
    if not database:
        return found
    past = store.migrations.past_of_branch(database.id)
    others, gaps = _others(services, run, migration, found, past)
    judged = judge(found.trace, found.production, found.policies, others=others.values())
    if judged.findings:  # the rest costs questions
        traces = _without_what_production_has(
            services, run, database, past, {migration.id: found.trace, **others}
        )
        judged = judge(
            traces.pop(migration.id), found.production, found.policies, others=traces.values()
        )
    return replace(judged, trace=found.trace, measured_at=found.measured_at, gaps=tuple(gaps))


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
    of_told = judge(trace, own.production, own.policies)
    return Seen(own=own, told=told, of_told=replace(of_told, measured_at=own.measured_at))


def policies_of(store: Store, run: Run) -> Policies:
    """The safe ones where the assignment has ended meanwhile."""
    assignment = store.apps.assignment(run.app_id)
    return assignment.policies if assignment else Policies()


def _others(
    services: Services, run: Run, migration: Migration, found: Judgement, past: Sequence[Past]
) -> tuple[Mapping[MigrationId, Trace], Sequence[Gap]]:
    """What was traced beside it, and what is not known: of all that production lacks."""
    store = services.store
    others = [one for one in past if one.id != migration.id]
    own = [one for one in others if one.is_own and (one.is_telling or not _is_seen(one, found))]
    lacking = _lacking(services, run, list(dict.fromkeys(one.commit for one in own)))
    own = [one for one in own if one.commit in lacking]
    # Where preview saw a run on an empty database, that hid nothing: but did others come before?
    empty = [one for one in own if one.is_blind and not one.is_of_preview]
    seen = {one.run_id for one in past if one.is_of_preview and _is_seen(one, found)}
    is_blind = bool(empty) or found.is_blind
    elsewhere = [one for one in others if one.is_of_preview and not one.is_own and is_blind]
    brought = _brought(services, run, elsewhere, found)
    gaps = {
        Gap.BEFORE: any(
            not one.is_of_preview and not _is_seen(one, found, by_preview=one.run_id in seen)
            for one in own
        ),
        Gap.ELSEWHERE: brought is None or not all(_is_seen(one, found) for one in brought),
    }
    telling = [one.id for one in (*own, *(brought or ())) if one.is_telling]
    traces = store.migrations.short_traces(sorted(telling, reverse=True)[:_MOST_TRACES])
    return traces, [gap for gap, is_there in gaps.items() if is_there]


def _is_seen(one: Past, found: Judgement, *, by_preview: bool = False) -> bool:
    is_hiding = one.traced is not None and one.traced.is_hiding
    is_hidden = is_hiding and found.policies.has_rules_for_traces
    return not (one.is_partial or is_hidden or (one.is_blind and not by_preview))


def _brought(
    services: Services, run: Run, elsewhere: Sequence[Past], found: Judgement
) -> Sequence[Past] | None:
    """Of what preview got from other branches, that which this one would bring to production too.

    None: not known.
    """
    matter = [one for one in elsewhere if one.is_telling or not _is_seen(one, found)]
    if not matter:
        return ()
    repository = services.store.repositories.get(run.repository_id)
    production = services.store.databases.live(run.app_id, Environment.PRODUCTION)
    if repository is None or production is None or production.migrated_sha is None:
        return None
    try:
        lacking = services.github.commits_between(
            repository, base=production.migrated_sha, head=run.head_sha
        )
    except CoppiceError:  # of GitHub's, which is not to be had
        return None
    return None if lacking is None else [one for one in matter if one.commit in lacking]


def _without_what_production_has(
    services: Services,
    run: Run,
    database: Database,
    past: Sequence[Past],
    traces: Mapping[MigrationId, Trace],
) -> dict[MigrationId, Trace]:
    """The traces without what was done to production as well, in another commit.

    A squash brings what the branch did before; and a branch that merges the default one has the
    migrations of others run in its database, which it did not have until then.
    """
    elsewhere = [
        (one, one.likenesses) for one in services.store.migrations.traces_elsewhere(database.id)
    ]
    repository = services.store.repositories.get(run.repository_id)
    production = services.store.databases.live(run.app_id, Environment.PRODUCTION)
    migrated = production.migrated_sha if production else None
    asked: set[CommitSha] = set()

    def is_merged(one: Elsewhere, before: CommitSha) -> bool:
        """Whether production has it, and the branch's database did not before."""
        if migrated is None or len(asked | {one.commit}) > _MOST_ASKED:
            return False
        asked.add(one.commit)
        in_production = one.is_in_production or (
            _ancestry(services, repository, base=one.commit, head=migrated) in _INSIDE
        )
        return in_production and (
            _ancestry(services, repository, base=one.commit, head=before) in _OUTSIDE
        )

    kept = {}
    for number, trace in traces.items():
        own = {likeness(each) for each in trace.statements}
        wanted = {likeness(each) for each in trace.statements if is_of_others(each)}
        squashed: set[Likeness] = set()
        merged: set[Likeness] = set()
        before = _before(past, number)
        for one, likenesses in elsewhere:
            found = wanted & likenesses - merged
            if one.is_in_production and one.id > number:
                squashed |= own & likenesses
            elif before and found and one.id < number and is_merged(one, before):
                merged |= found
        kept[number] = without_known(trace, squashed, merged)
    return kept


def _before(past: Sequence[Past], number: MigrationId) -> CommitSha | None:
    """To which commit the branch's database had been migrated before; None: nobody knows."""
    own = [one for one in past if one.is_own and not one.is_of_preview]
    is_there = any(one.id == number for one in own)
    earlier = (one.commit for one in own if one.id < number and one.succeeded)
    return next(earlier, None) if is_there else None


def _ancestry(
    services: Services, repository: Repository | None, *, base: CommitSha, head: CommitSha
) -> Ancestry:
    """How two commits relate, as far as GitHub says."""
    if base == head:
        return Ancestry.IDENTICAL
    try:
        return (
            services.github.compare(repository, base=base, head=head)
            if repository
            else Ancestry.UNKNOWN
        )
    except CoppiceError:  # of GitHub's, which knows it and is not to be had
        return Ancestry.UNKNOWN


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
        if migrated is None or commit == run.head_sha:
            return commit == migrated
        return _ancestry(services, repository, base=commit, head=migrated) in _INSIDE

    if not is_there(commits[-1]):
        return set(commits)
    for number, commit in enumerate(commits[:_MOST_ASKED]):
        if is_there(commit):
            return set(commits[:number])
    return set(commits[:-1])
