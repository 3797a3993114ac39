"""Requests and answers of the API for runs. No request can name a branch or a database."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationInfo, field_validator

from app.core.assignments import TracePolicy
from app.core.environments import Environment
from app.core.pages import run_page
from app.core.repositories import ChangedFiles
from app.core.runs import MigrationResult, RunRequest, Unfinished
from app.core.traces import Size, Trace
from app.machine.server_certificate import certify
from app.operations.runs.beginning import Begun
from app.operations.runs.results import Report, Verdict
from app.operations.runs.scheduling import Granted, NothingToDo
from app.web.api.shapes import Nested, Request, Text, given_of
from app.web.api.unfinished_models import UnfinishedObject

WantedEnvironment = Literal["production", "branch", "preview"]
RunEnvironment = Literal["production", "branch", "preview", "template"]
_LONGEST_LOG = 1_000_000
# Longer than a run may take, with its seed command, on a runner whose clock is some hours off.
_LOOPBACK_LIFETIME = timedelta(days=1)


class StartRun(given_of(RunRequest)):  # type: ignore[misc]
    """One execution of the Action."""

    environments: list[WantedEnvironment] = Field(
        [], max_length=3, description="Empty: all reached"
    )


class ThisRun(BaseModel):
    """A run."""

    run: int = Field(ge=1, le=2**63 - 1)


class OfRun(ThisRun):
    """A database of a run, by its environment."""

    environment: RunEnvironment


class CommandEnd(Request):
    """How a command ended."""

    result: Literal["success", "failure", "timed-out", "never-connected"] = Field(
        description="`never-connected`: it ended well, and nobody connected to the database"
    )
    exit_code: int | None = Field(None, ge=-(2**31), le=2**31 - 1)
    duration_seconds: float = Field(ge=0, le=1_000_000, allow_inf_nan=False)
    log: str = Field("", max_length=_LONGEST_LOG, description="The end of it, redacted")

    def to_report(self) -> Report:
        return Report(
            result=MigrationResult(self.result),
            exit_code=self.exit_code,
            duration_seconds=self.duration_seconds,
            log=self.log,
        )


class TraceGiven(given_of(Trace, base=Nested)):  # type: ignore[misc]
    """What was seen of a migration command: each statement, its locks, and for how long."""


class SizeGiven(given_of(Size, base=Nested)):  # type: ignore[misc]
    """How large a table is, by the estimates of its catalog."""


class ReportResult(CommandEnd):
    """How a migration ended, and the seed command after it."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"result": {"const": "success"}}},
                {"properties": {"seed": {"type": "null"}}},
            ]
        }
    )

    seed: CommandEnd | None = Field(None, description="Only after a successful migration")
    unfinished: list[UnfinishedObject] = Field(
        [], max_length=100, description="What the commands left behind, and was not so before"
    )

    trace: TraceGiven | None = Field(
        None, description="What was seen of the migration command, where it was traced"
    )

    tables: dict[Text, SizeGiven] | None = Field(
        None, max_length=5_000, description="Those of production, after its migration"
    )

    @field_validator("seed")
    @classmethod
    def follows_a_success(
        cls, seed: CommandEnd | None, before: ValidationInfo
    ) -> CommandEnd | None:
        if seed is not None and before.data.get("result") != "success":
            raise ValueError("the seed command follows only a successful migration")
        return seed

    def to_report(self) -> Report:
        return replace(
            super().to_report(),
            seed=self.seed.to_report() if self.seed else None,
            unfinished=tuple(one.read(Unfinished) for one in self.unfinished),
            trace=self.trace.read(Trace) if self.trace else None,
            tables=None
            if self.tables is None
            else {name: one.read(Size) for name, one in self.tables.items()},
        )


class DatabaseOfRun(BaseModel):
    """What will be migrated."""

    environment: str
    database: str


class RunStarted(BaseModel):
    """The run, and its databases in the order of migration."""

    result: Literal["run"] = "run"
    run: int
    app: str
    command: str
    command_source: Literal["workflow", "assignment"]
    seed_command: str
    primary: str
    databases: list[DatabaseOfRun]
    trace: TracePolicy = Field(description="Of which of them the Action traces the command")
    url: str = Field(description="The run's page on the dashboard")

    @classmethod
    def of(cls, begun: Begun, *, dashboard: str) -> "RunStarted":
        return cls(
            run=begun.run.id,
            app=begun.run.app_id,
            command=begun.run.command,
            command_source="workflow" if begun.is_command_from_workflow else "assignment",
            seed_command=begun.run.seed_command,
            primary=begun.run.primary,
            databases=[
                DatabaseOfRun(environment=environment, database=name)
                for environment, name in begun.databases
            ],
            trace=begun.trace,
            url=run_page(dashboard, begun.run.app_id, begun.run.id),
        )


class RunSkipped(BaseModel):
    """The revision reaches no database."""

    result: Literal["skipped"] = "skipped"
    reason: str
    message: str
    advice: str


class RunAnswer(RootModel[RunStarted | RunSkipped]):
    """Started or skipped."""


class LoopbackGiven(BaseModel):
    """A certificate for 127.0.0.1, in PEM, with its key and the CA that was made for it alone."""

    ca: str
    certificate: str
    key: str

    @classmethod
    def new(cls) -> "LoopbackGiven":
        made = certify("127.0.0.1", lifetime=_LOOPBACK_LIFETIME)
        return cls(ca=made.ca, certificate=made.certificate, key=made.key)


class DatabaseGiven(BaseModel):
    """The variables for the command; the marker is for checking that they lead where they should.

    `lease_seconds` and `loopback` are absent when nothing is to be migrated; `seed` says whether
    the seed command follows a successful migration.
    """

    result: Literal["go"] = "go"
    environment: str
    database: str
    marker: str
    variables: dict[str, str]
    ca_certificate: str | None
    lease_seconds: int | None
    outlives_run: bool
    seed: bool
    loopback: LoopbackGiven | None = Field(
        description="For a command that is traced, by a tool that demands TLS"
    )
    notices: list[str] = Field(
        description="What the job's people should know, such as a variable that is left out"
    )

    @classmethod
    def of(cls, go: Granted) -> "DatabaseGiven":
        database = go.credentials.database
        return cls(
            environment=database.environment,
            database=database.name,
            marker=database.marker,
            variables=go.variables,
            ca_certificate=go.credentials.instance.public_address.ca_certificate,
            lease_seconds=go.lease_seconds,
            outlives_run=go.credentials.outlives_run,
            seed=go.seeds,
            loopback=LoopbackGiven.new() if go.lease_seconds is not None else None,
            notices=[one for one in [go.credentials.pooler_problem] if one],
        )


class DatabasePassed(BaseModel):
    """There is nothing to run on this database."""

    result: Literal["superseded", "skipped"]
    environment: str
    message: str

    @classmethod
    def of(cls, passed: NothingToDo, *, environment: Environment) -> "DatabasePassed":
        is_superseded = passed.result is MigrationResult.SUPERSEDED
        return cls(
            result="superseded" if is_superseded else "skipped",
            environment=environment,
            message=passed.message,
        )


class DatabaseAnswer(RootModel[DatabaseGiven | DatabasePassed]):
    """Given or passed over."""


class ChangesAnswer(BaseModel):
    """Files from the repository's root that the run's commit changed, without those removed.

    A branch's since it left the default branch; the default branch's since the commit that
    production was migrated to last.
    """

    files: list[str] = Field(description="At most 300")
    added: list[str] = Field(description="Those of them that are new")

    @classmethod
    def of(cls, changed: ChangedFiles) -> "ChangesAnswer":
        return cls(files=list(changed.paths), added=list(changed.added))


class LeaseAnswer(BaseModel):
    """For how long the database is held."""

    lease_seconds: int


class ResultAnswer(BaseModel):
    """What follows from a result."""

    next: Literal["done", "again"]
    fails: bool
    message: str
    summary: str = Field(description="Markdown for the job's summary page; may be empty")

    @classmethod
    def of(cls, verdict: Verdict) -> "ResultAnswer":
        return cls(
            next="again" if verdict.is_again else "done",
            fails=verdict.fails,
            message=verdict.message,
            summary=verdict.summary,
        )
