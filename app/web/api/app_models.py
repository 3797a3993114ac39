"""Requests and answers of the API for apps."""

from pydantic import BaseModel, Field

from app.core.assignments import LONGEST_COMMAND, Policies
from app.core.limits import Limits
from app.operations.apps import KnownApp
from app.operations.pull_requests.heads import Head
from app.web.api.shapes import Answer, Request, Text, given_of

APP_ID = r"^[a-z0-9]{2,16}$"


class OfApp(BaseModel):
    """An app by its id."""

    app: str = Field(pattern=APP_ID)


class PoliciesGiven(given_of(Policies, is_part=True)):  # type: ignore[misc]
    """The rules of an assignment; what is absent stays, or is the default."""


class AssignApp(Request):
    """A repository that is to get databases on an instance."""

    repository: Text = Field(min_length=3, max_length=201, examples=["acme/shop"])
    instance: Text = Field(min_length=1, max_length=40, examples=["main"])
    app: str | None = Field(
        None, pattern=APP_ID, description="Absent: the repository's app, or a new one"
    )
    migration_command: Text = Field(
        "", max_length=LONGEST_COMMAND, examples=["npx prisma migrate deploy"]
    )
    policies: PoliciesGiven | None = None


class EditApp(Request):
    """What to change of an assignment; what is absent stays."""

    migration_command: Text | None = Field(None, max_length=LONGEST_COMMAND)
    policies: PoliciesGiven | None = None


class AppShown(Answer):
    """A repository, or one part of it, with its databases on an instance."""

    id: str
    repository: str
    default_branch: str
    instance: str | None = Field(description="Null: it is not assigned (any more)")
    limits: Limits | None = Field(description="What that instance allows")
    migration_command: str
    policies: Policies | None = Field(description="Null: it is not assigned (any more)")
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
            limits=limits,
            migration_command=assignment.migration_command if assignment else "",
            policies=assignment.policies if assignment else None,
            databases=databases,
            installation=repository.installation_state,
        )


class AppDetail(AppShown):
    """The same, and what a list leaves out."""

    last_command: str = Field(
        description="What the default branch was migrated with lately; empty: that is not known"
    )


class AppList(BaseModel):
    """The oldest first."""

    items: list[AppShown]


class WorkflowShown(BaseModel):
    """A file of the repository."""

    path: str
    text: str
    remark: str | None = Field(
        description="What the workflows of the repository's other apps have to do with it"
    )


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
