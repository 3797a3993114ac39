"""The API for runs that were: what each did to which database, how long it took, its log."""

from datetime import datetime
from typing import Any

from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field, RootModel

from app.core.errors import Conflict, Forbidden, NotFound
from app.core.identifiers import AppId, RunId
from app.core.people import Act, Change, See, SeeLog
from app.core.runs import Migration, PastRun
from app.core.traces import Trace
from app.operations import access
from app.operations.apps import KnownApp
from app.operations.pull_requests import actions
from app.operations.runs import logs
from app.operations.services import Services
from app.web.api.app_models import APP_ID, OfApp
from app.web.api.shapes import (
    ERRORS,
    PERSON,
    Answer,
    Answered,
    Id,
    Nothing,
    Page,
    Part,
    Shown,
    cut,
)
from app.web.api.unfinished_models import UnfinishedObject
from app.web.identity import acting

api = Part(
    "history",
    __name__,
    url_prefix="/api/v1/apps",
    abp_tags=[Tag(name="history", description="Runs of the Action that were")],
    abp_security=PERSON,
    abp_responses=ERRORS,
)


class OfPastRun(BaseModel):
    """A run of an app."""

    app: str = Field(pattern=APP_ID)
    run: Id


class OfMigration(OfPastRun):
    """A migration of a run."""

    migration: Id


class SeedingShown(Shown):
    """How the seed command ended that followed a successful migration."""

    result: str
    exit_code: int | None
    duration_seconds: float


class TraceSummary(Shown):
    """How much a trace tells, of statements: the trace itself names them."""

    traced: bool = Field(
        default=True, description="Whether there is a trace; else each number is 0"
    )
    statements: int = 0
    rewrites: int = Field(default=0, description="That rewrote a table which was there before")
    blocking_reads: int = Field(default=0, description="Whose locks block reads, and so writes too")
    blocking_writes: int = Field(default=0, description="Whose locks block writes alone")


class TraceShown(RootModel[Trace]):
    """What was seen of a migration command: each statement, its locks, and for how long."""

    model_config = Answer.model_config


class MigrationShown(BaseModel):
    """One database's share of a run; without a result it is running."""

    id: int
    environment: str
    database: str
    result: str | None
    exit_code: int | None
    started_at: datetime
    finished_at: datetime | None
    duration_seconds: float | None
    rebuilt: bool
    settings_taken_back: list[str] = Field(
        description="Names of settings that it left on the database's role and that are not kept"
    )
    seed: SeedingShown | None = Field(description="Absent where no seed command followed")
    unfinished: list[UnfinishedObject] | None = Field(
        description="What its commands left behind, and was not so before; null: named for those"
        " who may read its log"
    )
    trace: TraceSummary


class RunShown(BaseModel):
    """One execution of the Action."""

    id: int
    event: str
    branch: str | None
    head_sha: str
    job_name: str
    job_url: str
    command: str
    seed_command: str
    environments: list[str]
    created_at: datetime
    migrations: list[MigrationShown]


class RunPage(BaseModel):
    """The newest first; `next` is the cursor of older ones."""

    items: list[RunShown]
    next: int | None


class LogShown(BaseModel):
    """All that the commands wrote and the Action sent (900 kB of each), without secrets."""

    log: str
    seed_log: str


@api.get("/<app>/runs", responses={200: RunPage})
def list_(path: OfApp, query: Page) -> dict[str, Any]:
    """List the runs of an app."""
    services = acting()
    known = _known(services, path, See)
    found = services.store.history.of_app(
        AppId(path.app),
        limit=query.limit + 1,
        before=RunId(query.cursor) if query.cursor else None,
    )
    shown, following = cut(found, query, id_of=lambda past: past.run.id)
    names = _names(services, AppId(path.app))
    repository = f"{services.github_url}/{known.repository.full_name}"
    is_named = _may_read_logs(services, AppId(path.app))
    items = [_shown(past, names, repository, is_named=is_named) for past in shown]
    return RunPage(items=items, next=following).model_dump(mode="json")


@api.get("/<app>/runs/<int:run>", responses={200: RunShown})
def show(path: OfPastRun) -> dict[str, Any]:
    """Show one run."""
    services = acting()
    known = _known(services, path, See)
    past = services.store.history.run(AppId(path.app), RunId(path.run))
    repository = f"{services.github_url}/{known.repository.full_name}"
    names, is_named = _names(services, known.app.id), _may_read_logs(services, known.app.id)
    return _shown(past, names, repository, is_named=is_named).model_dump(mode="json")


@api.post("/<app>/runs/<int:run>/rerun", responses={202: RunShown})
def rerun(path: OfPastRun, body: Nothing) -> Answered:
    """Have GitHub start the run's workflow job again."""
    services = acting()
    known = _known(services, path, See)
    run = access.run(services, known, RunId(path.run), Change)
    refusal = actions.rerun(services, known.repository, run)
    if refusal is not None:
        raise Conflict(refusal, advice="Look at the job at GitHub: it may still run.")
    return show(path), 202


@api.get("/<app>/runs/<int:run>/migrations/<int:migration>/log", responses={200: LogShown})
def log(path: OfMigration) -> dict[str, Any]:
    """Show the log of a migration, to those who may write to the repository."""
    services = acting()
    text, seed_text = map(logs.plain, logs.texts(services.store, _of(services, path)))
    return LogShown(log=text, seed_log=seed_text).model_dump()


@api.get("/<app>/runs/<int:run>/migrations/<int:migration>/trace", responses={200: TraceShown})
def trace(path: OfMigration) -> dict[str, Any]:
    """Show what a migration locked, to those who may read its log; `/log` has what it wrote."""
    services = acting()
    found = services.store.migrations.trace(_of(services, path).id)
    if found is None:
        raise NotFound(
            f"The migration {path.migration} was not traced.",
            advice="The rule `trace` of the assignment says which are, and the Action's input of"
            " that name; one that still runs has no trace yet.",
        )
    answer: dict[str, Any] = TraceShown(found).model_dump(mode="json")
    return answer


def _of(services: Services, path: OfMigration) -> Migration:
    """A migration whose log the actor may read. Raises NotFound; Forbidden."""
    _known(services, path, SeeLog)
    past = services.store.history.run(AppId(path.app), RunId(path.run))
    for migration in past.migrations:
        if migration.id == path.migration:
            return migration
    raise NotFound(
        f"The run {path.run} has no migration {path.migration}.",
        advice="The run itself lists its migrations.",
    )


def _known(services: Services, path: OfApp | OfPastRun, act: Act) -> KnownApp:
    return access.known_app(services, AppId(path.app), act).subject


def _names(services: Services, app_id: AppId) -> dict[int, str]:
    found = services.store.databases.all(app_id=app_id, include_gone=True)
    return {database.id: database.name for database in found}


def _may_read_logs(services: Services, app_id: AppId) -> bool:
    try:
        access.known_app(services, app_id, SeeLog)
    except Forbidden:
        return False
    return True


def _shown(past: PastRun, names: dict[int, str], repository: str, *, is_named: bool) -> RunShown:
    run = past.run
    job_url = f"{repository}/actions/runs/{run.workflow_run_id}"
    if run.workflow_job_id is not None:
        job_url += f"/job/{run.workflow_job_id}"
    return RunShown(
        id=run.id,
        event=run.event,
        branch=run.branch,
        head_sha=run.head_sha,
        job_name=run.job_name,
        job_url=job_url,
        command=run.command,
        seed_command=run.seed_command,
        environments=list(run.environments),
        created_at=run.created_at,
        migrations=[_migration(one, names, is_named=is_named) for one in past.migrations],
    )


def _migration(migration: Migration, names: dict[int, str], *, is_named: bool) -> MigrationShown:
    unfinished = [UnfinishedObject.of(one) for one in migration.unfinished]
    return MigrationShown(
        id=migration.id,
        environment=migration.environment,
        database=names.get(migration.database_id, ""),
        result=migration.result,
        exit_code=migration.exit_code,
        started_at=migration.started_at,
        finished_at=migration.finished_at,
        duration_seconds=migration.duration_seconds,
        rebuilt=migration.rebuilt,
        settings_taken_back=list(migration.settings_taken_back),
        seed=SeedingShown.of(migration.seeding) if migration.seeding else None,
        unfinished=unfinished if is_named or not unfinished else None,
        trace=TraceSummary.of(migration.traced) if migration.traced else TraceSummary(traced=False),
    )
