"""Requests and answers of the API for databases."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from app.core.findings import SizeSample
from app.core.runs import LastMigration
from app.core.seeding import Seed
from app.operations.administration.database_overviews import KnownDatabase
from app.operations.runs.credentials import Credentials, variables
from app.web.api.app_models import APP_ID
from app.web.api.shapes import Id, Nothing, Page, Query, Request, Shown, Text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

EnvironmentName = Literal["production", "branch", "preview", "dev"]
AnyEnvironment = Literal["production", "branch", "preview", "dev", "dev-shadow", "template"]


class OfDatabase(BaseModel):
    """A database by its number."""

    database: Id


class WhichDatabases(Page):
    """Which databases to list."""

    app: str | None = Field(None, pattern=APP_ID)
    repository: Text | None = Field(None, max_length=201, description="OWNER/REPO")
    environment: AnyEnvironment | None = None
    branch: Text | None = Field(None, max_length=255)
    name: Text | None = Field(None, max_length=63)


class CreateDatabase(Request):
    """Which database of an app; without a branch and an environment one for local work."""

    environment: EnvironmentName | None = None
    branch: Text | None = Field(None, min_length=1, max_length=255, examples=["feature/login"])


class EditDatabase(Request):
    """What to change; what is absent stays."""

    accelerate_url: Text | None = Field(
        None, max_length=4100, description="Prisma Accelerate URL; empty: forget it"
    )


class LocalMigration(Request):
    """A migration of `dev` on a person's own machine that succeeded."""

    generation: Id = Field(description="Of the database when it began")
    seed: Literal["success", "failure", "none"] = Field(
        description="How the seed command ended; `none`: it was not run, and shall not be"
    )


class RevealCredentials(Nothing):
    """What the variables are for, as the audit trail says."""

    purpose: Literal["env", "psql", "migrate"] | None = None


class HowToDelete(Query):
    """Whether its data is kept for the retention time."""

    now: bool = Field(default=False, description="Drop it and its data at once, for good")


class LastMigrationShown(BaseModel):
    """The migration that a run tried last, since the database was made or emptied."""

    result: Literal["success", "failure", "timed-out", "never-connected", "running"]
    seed: Literal["success", "failure", "timed-out", "never-connected"] | None = Field(
        description="How the seed command ended that followed it; null: none did"
    )
    commit: str
    at: datetime = Field(description="When it ended, or began if it is running")
    run: int
    url: str = Field(description="The run on the dashboard")

    @classmethod
    def of(cls, last: LastMigration, *, run_url: str | None) -> "LastMigrationShown":
        return cls.model_validate(
            {
                "result": last.result or "running",
                "seed": last.seed_result,
                "commit": last.head_sha,
                "at": last.at,
                "run": last.run_id,
                "url": run_url,
            }
        )


class DatabaseShown(BaseModel):
    """One environment of one app."""

    id: int
    name: str
    app: str
    repository: str | None = Field(description="Null: it is not known any more")
    instance: str
    environment: str
    branch: str | None
    state: str
    reason: str | None = Field(description="Why the state is `error`")
    reason_code: str | None = Field(description="The same for programs, as in `limit_reached`")
    frozen: bool = Field(description="It is too large, and lets nobody in")
    generation: int
    is_live: bool = Field(description="False once a fresh one took its place while it is kept")
    cloned_from: str | None = Field(
        description="Name of the template that it began as; null: it began empty"
    )
    last_migration: LastMigrationShown | None = Field(description="Null: none yet")
    migrated_commit: str | None = Field(description="Of the last migration that succeeded")
    migrated_at: datetime | None = Field(description="When it did")
    created_at: datetime
    ready_at: datetime | None
    kept_until: datetime | None
    size_bytes: int | None = Field(description="As last measured")
    over_limit: str | None = Field(
        description="Where it holds more than its instance allows; the state tells if it is open"
    )
    login: str = Field(description="Name of the long-lived login")

    @classmethod
    def of(cls, known: KnownDatabase) -> "DatabaseShown":
        database, last = known.database, known.last
        return cls(
            id=database.id,
            name=database.name,
            app=database.app_id,
            repository=known.repository_name,
            instance=known.instance_name,
            environment=database.environment,
            branch=database.branch,
            state=database.state,
            reason=database.reason,
            reason_code=database.reason_code,
            frozen=database.is_shut,
            generation=database.generation,
            is_live=database.is_live,
            cloned_from=known.parent,
            last_migration=LastMigrationShown.of(last, run_url=known.run_url) if last else None,
            migrated_commit=database.migrated_sha,
            migrated_at=database.migrated_at,
            created_at=database.created_at,
            ready_at=database.ready_at,
            kept_until=database.drop_after,
            size_bytes=known.size_bytes,
            over_limit=known.over_limit,
            login=database.login_role,
        )


class DatabaseDetail(DatabaseShown):
    """The same, and what a list leaves out."""

    seeded_at: datetime | None
    seed_is_owed: bool
    awaits_seed: bool = Field(
        description="The next successful migration is followed by the seed command, if there is one"
    )

    @classmethod
    def with_seed(
        cls, shown: DatabaseShown, seed: Seed | None, *, awaits_seed: bool
    ) -> "DatabaseDetail":
        return cls(
            **shown.model_dump(),
            seeded_at=seed.seeded_at if seed else None,
            seed_is_owed=seed is not None and seed.is_owed,
            awaits_seed=awaits_seed,
        )


class DatabasePage(BaseModel):
    """The oldest first; `next` is the cursor of what follows."""

    items: list[DatabaseShown]
    next: int | None


class WhichSizes(Page):
    """Which part of a database's sizes over time."""

    limit: int = Field(100, ge=1, le=1000, description="How many at most")
    cursor: Id | None = Field(
        None,
        le=(_LATEST - _EPOCH) // _MICROSECOND,
        description="`next` of the answer before; absent: the first",
    )

    @property
    def after(self) -> datetime | None:
        """The time that the cursor means: no database has two samples of one time."""
        return None if self.cursor is None else _EPOCH + self.cursor * _MICROSECOND


class SizeShown(Shown):
    """How large a database was."""

    measured_at: datetime
    size_bytes: int


class SizePage(BaseModel):
    """The oldest first; `next` is the cursor of what follows."""

    items: list[SizeShown]
    next: int | None


def cursor_of(sample: SizeSample) -> int:
    """What `WhichSizes.after` reads again."""
    return (sample.measured_at - _EPOCH) // _MICROSECOND


class LoginShown(BaseModel):
    """How to connect with the long-lived login. Keep it to yourself."""

    database: str
    variables: dict[str, str] = Field(
        examples=[{"PGHOST": "db.example.com", "PGDATABASE": "3ba03b--main"}]
    )
    ca_certificate: str | None = Field(description="PEM, for PGSSLROOTCERT")
    shadow_problem: str | None = Field(description="Why there is no SHADOW_DATABASE_URL beside dev")

    @classmethod
    def of(
        cls, login: Credentials, shadow: Mapping[str, str], *, shadow_problem: str | None
    ) -> "LoginShown":
        return cls(
            database=login.database.name,
            variables={**variables(login), **shadow},
            ca_certificate=login.instance.public_address.ca_certificate,
            shadow_problem=shadow_problem,
        )
