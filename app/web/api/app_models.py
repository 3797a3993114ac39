"""Requests and answers of the API for apps."""

from dataclasses import fields, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from app.core.assignments import (
    BotPolicy,
    LogPolicy,
    Policies,
    PreviewFailure,
    PreviewPolicy,
    RunnerPolicy,
)
from app.core.limits import Limits
from app.operations.administration.assignments import AssignRequest
from app.operations.pull_requests.heads import Head
from app.web.api.instance_models import LimitsShown
from app.web.api.shapes import Request, Text
from app.web.known_apps import KnownApp

APP_ID = r"^[a-z0-9]{2,16}$"
_LONGEST_COMMAND = 100_000
_Pattern = Annotated[Text, Field(min_length=1, max_length=255)]

# How the words of a request become those of the core; the rest is taken as it is.
_KINDS: dict[str, Any] = {
    "ignore_patterns": tuple,
    "extensions": tuple,
    "allowed_workflows": tuple,
    "preview": PreviewPolicy,
    "preview_failure": PreviewFailure,
    "runners": RunnerPolicy,
    "bots": BotPolicy,
    "log": LogPolicy,
}


class OfApp(BaseModel):
    """An app by its id."""

    app: str = Field(pattern=APP_ID)


class PoliciesGiven(Request):
    """The rules of an assignment; what is absent stays, or is the default."""

    ignore_patterns: list[_Pattern] | None = Field(None, max_length=100)
    preview: Literal["shared", "default-branch", "off"] | None = None
    preview_failure: Literal["rebuild", "keep"] | None = None
    extensions: list[_Pattern] | None = Field(None, max_length=100)
    production_environment: Text | None = Field(None, max_length=255)
    allowed_workflows: list[_Pattern] | None = Field(None, max_length=100)
    runners: Literal["any", "github-hosted"] | None = None
    bots: Literal["no-dependabot", "all", "none"] | None = None
    runtime_production: bool | None = None
    log: Literal["private", "public"] | None = None
    seed_command: Text | None = Field(None, max_length=_LONGEST_COMMAND)
    seed_production: bool | None = None
    lock_timeout: Text | None = Field(
        None,
        max_length=20,
        examples=["30s"],
        description="How long a job's sessions wait for a lock; empty: as long as it takes",
    )

    def put_into(self, before: Policies) -> Policies:
        given = {name: getattr(self, name) for name in type(self).model_fields}
        changes: dict[str, Any] = {
            name: _KINDS.get(name, lambda value: value)(value)
            for name, value in given.items()
            if value is not None
        }
        return replace(before, **changes)


class AssignApp(Request):
    """A repository that is to get databases on an instance."""

    repository: Text = Field(min_length=3, max_length=201, examples=["acme/shop"])
    instance: Text = Field(min_length=1, max_length=40, examples=["main"])
    app: str | None = Field(
        None, pattern=APP_ID, description="Absent: the repository's app, or a new one"
    )
    migration_command: Text = Field(
        "", max_length=_LONGEST_COMMAND, examples=["npx prisma migrate deploy"]
    )
    policies: PoliciesGiven | None = None

    def to_request(self) -> AssignRequest:
        policies = self.policies.put_into(Policies()) if self.policies else Policies()
        return AssignRequest(
            full_name=self.repository,
            instance=self.instance,
            migration_command=self.migration_command,
            app_id=self.app,
            policies=policies,
        )


class EditApp(Request):
    """What to change of an assignment; what is absent stays."""

    migration_command: Text | None = Field(None, max_length=_LONGEST_COMMAND)
    policies: PoliciesGiven | None = None


class PoliciesShown(BaseModel):
    """The rules of an assignment."""

    ignore_patterns: list[str]
    preview: str
    preview_failure: str
    extensions: list[str]
    production_environment: str
    allowed_workflows: list[str]
    runners: str
    bots: str
    runtime_production: bool
    log: str
    seed_command: str
    seed_production: bool
    lock_timeout: str

    @classmethod
    def of(cls, policies: Policies) -> "PoliciesShown":
        values = {field.name: getattr(policies, field.name) for field in fields(policies)}
        return cls(**{name: values[name] for name in cls.model_fields})


class AppShown(BaseModel):
    """A repository, or one part of it, with its databases on an instance."""

    id: str
    repository: str
    default_branch: str
    instance: str | None = Field(description="Null: it is not assigned (any more)")
    limits: LimitsShown | None = Field(description="What that instance allows")
    migration_command: str
    policies: PoliciesShown | None = Field(description="Null: it is not assigned (any more)")
    databases: int
    installation: str

    @classmethod
    def of(cls, known: KnownApp, *, limits: Limits | None, databases: int) -> "AppShown":
        assignment, repository = known.assignment, known.repository
        return cls(
            id=known.app.id,
            repository=repository.full_name,
            default_branch=repository.default_branch,
            instance=known.instance.name if known.instance else None,
            limits=LimitsShown.of(limits) if limits else None,
            migration_command=assignment.migration_command if assignment else "",
            policies=PoliciesShown.of(assignment.policies) if assignment else None,
            databases=databases,
            installation=repository.installation_state,
        )


class AppList(BaseModel):
    """The oldest first."""

    items: list[AppShown]


class PullRequestShown(BaseModel):
    """An open pull request, as last heard of."""

    number: int
    url: str
    branch: str = Field(description="Its head")
    head_sha: str
    from_fork: bool = Field(description="Forks get no database")
    database: int | None = Field(description="Number of the branch's database, if it has one")
    database_name: str | None

    @classmethod
    def of(cls, head: Head, *, repository_url: str) -> "PullRequestShown":
        pull = head.pull_request
        return cls(
            number=pull.number,
            url=f"{repository_url}/pull/{pull.number}",
            branch=pull.head_branch,
            head_sha=pull.head_sha,
            from_fork=pull.is_from_fork,
            database=head.database.id if head.database else None,
            database_name=head.database.name if head.database else None,
        )


class PullRequestPage(BaseModel):
    """By number; `next` is the cursor of what follows."""

    items: list[PullRequestShown]
    next: int | None
