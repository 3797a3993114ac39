"""The databases of a pull request, as they are now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.core.assignments import Assignment, PreviewPolicy
from app.core.databases import Database
from app.core.environments import Environment
from app.core.errors import CoppiceError
from app.core.identifiers import BranchName, CommitSha, DatabaseId
from app.core.pages import dashboard_for_readers
from app.core.repositories import PullRequest
from app.core.trace_findings import Judgement
from app.core.traces import Trace
from app.operations.checks import schema_reports, trace_words
from app.operations.databases import limits
from app.operations.databases.provisioning import server_of
from app.operations.pull_requests.wording import MOST_OF_CHANGES, LastTrace, Overview, Row
from app.operations.runs import judging
from app.operations.services import Services
from app.store.store import Store


def databases_of_branch(
    store: Store, assignments: Sequence[Assignment], branch: BranchName
) -> tuple[Database, ...]:
    """The branch's own databases, one for each app that has one."""
    found = (
        store.databases.live(assignment.app.id, Environment.BRANCH, branch)
        for assignment in assignments
    )
    return tuple(database for database in found if database is not None)


def overview(services: Services, pull_request: PullRequest) -> Overview:
    """What the comment tells of, without sizes."""
    assignments = services.store.apps.assignments(repository_id=pull_request.repository_id)
    own = databases_of_branch(services.store, assignments, pull_request.head_branch)
    shared = _previews(services.store, assignments) if own else ()
    databases = (*own, *shared)
    last = services.store.history.last_migrations([each.id for each in databases], ended=True)
    parents = services.store.databases.names({p for each in databases if (p := each.cloned_from)})
    traces = _traces(services, pull_request, assignments, own)
    return Overview(
        head_branch=pull_request.head_branch,
        is_open=pull_request.is_open,
        rows=tuple(
            Row(
                database=database,
                last=last.get(database.id),
                parent=parents[database.cloned_from] if database.cloned_from else None,
                trace=traces.get(database.id),
            )
            for database in databases
        ),
        retention=services.retention,
        at=services.clock(),
        dashboard=dashboard_for_readers(services.public_url, github_url=services.github_url),
    )


def measured(services: Services, told: Overview) -> Overview:
    """The same with sizes, for which servers are asked, and whether they are past a limit."""
    databases = [row.database for row in told.rows]
    sizes = _sizes(services, databases)
    remarks = limits.remarks(services.store, databases, sizes)
    rows = (
        replace(row, size_bytes=sizes.get(each.id), over_limit=remarks.get(each.id))
        for row, each in zip(told.rows, databases, strict=True)
    )
    return replace(told, rows=tuple(rows))


def _previews(store: Store, assignments: Sequence[Assignment]) -> tuple[Database, ...]:
    """Those that runs on a branch migrate too."""
    found = (
        store.databases.live(assignment.app.id, Environment.PREVIEW)
        for assignment in assignments
        if assignment.policies.preview is PreviewPolicy.SHARED
    )
    return tuple(database for database in found if database is not None)


def _traces(
    services: Services,
    pull_request: PullRequest,
    assignments: Sequence[Assignment],
    own: Sequence[Database],
) -> Mapping[DatabaseId, LastTrace]:
    store = services.store
    repository = store.repositories.get(pull_request.repository_id)
    is_private = repository is not None and repository.is_private
    policies = {assignment.app.id: assignment.policies for assignment in assignments}
    found = {}
    for database in own:
        so_far = judging.so_far(services, database.app_id, database.branch)
        if so_far is None:
            continue
        run, _, judged = so_far
        shows_names = policies[database.app_id].shows_log(is_private=is_private)
        changed = store.migrations.last_change(database.id)
        found[database.id] = LastTrace(
            line=trace_words.line(judged, shows_names=shows_names),
            counts=trace_words.counts(judged.told),
            changes=_changes(changed, judged, shows_names=shows_names),
            run_id=run.id,
        )
    return found


def _changes(
    changed: tuple[CommitSha, Trace] | None, judged: Judgement, *, shows_names: bool
) -> str:
    if changed is None:
        return ""
    commit, trace = changed
    return schema_reports.folded(
        trace, judged.production, commit=commit, shows_names=shows_names, room=MOST_OF_CHANGES
    )


def _sizes(services: Services, databases: Sequence[Database]) -> Mapping[DatabaseId, int]:
    """As large as they are now, or were when last measured; a server may be away."""
    sizes = dict(services.store.measurements.sizes([database.id for database in databases]))
    for database in databases:
        try:
            measured = server_of(services, database).sizes(only=[database.name])
        except CoppiceError:
            continue
        if measured:
            sizes[database.id] = measured[0].size_bytes
    return sizes
