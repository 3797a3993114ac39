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
from app.operations.administration.assignments import Assigned, AssignRequest
from app.web.api.shapes import Request, Text

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

    @classmethod
    def of(cls, policies: Policies) -> "PoliciesShown":
        values = {field.name: getattr(policies, field.name) for field in fields(policies)}
        return cls(**{name: values[name] for name in cls.model_fields})


class AppShown(BaseModel):
    """A repository, or one part of it, with its databases on an instance."""

    id: str
    repository: str
    default_branch: str
    instance: str
    migration_command: str
    policies: PoliciesShown
    databases: int
    installation: str

    @classmethod
    def of(cls, assigned: Assigned, *, databases: int) -> "AppShown":
        assignment, repository = assigned.assignment, assigned.repository
        return cls(
            id=assignment.app.id,
            repository=repository.full_name,
            default_branch=repository.default_branch,
            instance=assigned.instance.name,
            migration_command=assignment.migration_command,
            policies=PoliciesShown.of(assignment.policies),
            databases=databases,
            installation=repository.installation_state,
        )


class AppList(BaseModel):
    """The oldest first."""

    items: list[AppShown]
