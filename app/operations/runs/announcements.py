"""Wanting the check runs of a run's migrations on its commit."""

from dataclasses import replace

from app.core.assignments import App
from app.core.checks import CheckContent, CheckSubject
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, DatabaseId
from app.core.intents import summary_of
from app.core.pages import dashboard_for_readers, run_page
from app.core.runs import Migration, Run
from app.operations.checks import migration_reports, trace_reports, trace_words
from app.operations.checks.migration_reports import Story
from app.operations.runs import judging, rebuilds
from app.operations.runs.judging import Seen
from app.operations.services import Services
from app.store.store import Store

SHOWN_AFTER_SECONDS = 10
"""A migration that is over sooner is told of once, at its end."""
GATHER_SECONDS = 10
"""A run migrates the branch's database and then preview's: one comment tells of both."""


def started(services: Services, run: Run, migration: Migration) -> None:
    """Say that a migration is in progress, unless it ends within ten seconds."""
    content = migration_reports.in_progress(_story(services, run, migration))
    _want(services.store, run, content, migration.database_id, delay_seconds=SHOWN_AFTER_SECONDS)


def finished(services: Services, run: Run, migration: Migration) -> str:
    """Say how a migration ended, and that production was left alone if it was preview's fault.

    Returns what the job's summary page says of its trace, in Markdown; empty for nothing.
    """
    seen = judging.of_run(services.store, run, migration)
    story = replace(_story(services, run, migration), judged=seen.own if seen else None)
    _want(services.store, run, migration_reports.finished(story), migration.database_id)
    if seen is not None:
        _judge(services, run, migration, seen)
    elif migration.environment is run.primary:
        _answer_trace(services, run)
    is_failed_preview = (
        migration.environment is Environment.PREVIEW and migration.result in rebuilds.FAILED
    )
    if is_failed_preview and Environment.PRODUCTION in run.environments:
        untouched(services.store, run)
    if run.branch is not None:
        services.store.queue.add(
            [
                summary_of(run.repository_id, pull.number, delay_seconds=GATHER_SECONDS)
                for pull in services.store.repositories.open_pull_requests(
                    run.repository_id, branch=run.branch
                )
            ]
        )
    if seen is None or not seen.is_news:
        return ""
    return trace_words.job_summary(story.database, seen.own, shows_names=story.shows_log)


def _judge(services: Services, run: Run, migration: Migration, seen: Seen) -> None:
    """Say what the branch would do to production, anew where preview's trace has more."""
    told = seen.told
    if told.id != migration.id and not seen.own.told:
        return
    judged = judging.of_branch(services, run, told, seen.of_told)
    content = trace_reports.finished(_story(services, run, told), judged)
    _want(services.store, run, content, told.database_id)


def _answer_trace(services: Services, run: Run) -> None:
    """Have a check that may be required wait for nothing: what stands there already stays."""
    if not judging.policies_of(services.store, run).has_rules_for_traces:
        return
    why = f"The migration of {run.primary} was not to be traced, or did not get that far."
    content = trace_before(services, run.app_id, run.branch) or trace_reports.skipped(
        _app(services.store, run), why=why
    )
    services.store.checks.want(content, _subject(run, None), keep_existing=True)


def trace_before(
    services: Services, app_id: AppId, branch: BranchName | None
) -> CheckContent | None:
    """What the traces of a branch say so far, for a commit without one; None: there is none."""
    found = judging.so_far(services, app_id, branch)
    if found is None:
        return None
    run, told, judged = found
    content = trace_reports.finished(_story(services, run, told), judged)
    # Its lines are those of another commit.
    return replace(content, annotations=())


def untouched(store: Store, run: Run) -> None:
    """Say that production was left alone because preview failed."""
    _want(store, run, migration_reports.untouched(_app(store, run)), None)


def job_url(services: Services, run: Run) -> str | None:
    """Where people read the job's log; None when the repository is gone."""
    repository = services.store.repositories.get(run.repository_id)
    if repository is None:
        return None
    attempt = f"{services.github_url}/{repository.full_name}/actions/runs/{run.workflow_run_id}"
    if run.workflow_job_id is None:
        return f"{attempt}/attempts/{run.workflow_attempt}"
    return f"{attempt}/job/{run.workflow_job_id}"


def _story(services: Services, run: Run, migration: Migration) -> Story:
    repository = services.store.repositories.get(run.repository_id)
    dashboard = dashboard_for_readers(services.public_url, github_url=services.github_url)
    is_private = repository is not None and repository.is_private
    return Story(
        app=_app(services.store, run),
        run=run,
        migration=migration,
        database=services.store.databases.get(migration.database_id),
        job_url=job_url(services, run),
        run_url=run_page(dashboard, run.app_id, run.id) if dashboard else None,
        shows_log=judging.policies_of(services.store, run).shows_log(is_private=is_private),
    )


def _app(store: Store, run: Run) -> App:
    """The run's app; it stays when its assignment ends."""
    apps = store.apps.of_repository(run.repository_id)
    return next(app for app in apps if app.id == run.app_id)


def _want(
    store: Store,
    run: Run,
    content: CheckContent,
    database_id: DatabaseId | None,
    *,
    delay_seconds: int = 0,
) -> None:
    store.checks.want(
        content,
        _subject(run, database_id),
        delay_seconds=delay_seconds,
        is_awaited=run.event == "merge_group",
    )


def _subject(run: Run, database_id: DatabaseId | None) -> CheckSubject:
    return CheckSubject(
        repository_id=run.repository_id,
        head_sha=run.head_sha,
        app_id=run.app_id,
        database_id=database_id,
        run_id=run.id,
    )
