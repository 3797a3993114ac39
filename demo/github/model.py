"""What the small GitHub remembers: plain records, changed only under the state's lock."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from demo.github.git import GitRepository

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Account:
    """A user, an organisation or a bot."""

    id: int
    login: str
    type: str = "User"


@dataclass(slots=True, kw_only=True)
class Repository:
    """A repository; its identity is `id`."""

    id: int
    owner: Account
    name: str
    default_branch: str
    is_private: bool
    git: GitRepository
    created_at: datetime
    is_archived: bool = False
    fork_of: int | None = None
    protected_branches: set[str] = field(default_factory=set)
    former_branches: dict[str, str] = field(default_factory=dict)
    """Former to present name, of branches that were renamed at GitHub."""
    roles: dict[int, str] = field(default_factory=dict)
    """User id to admin, maintain, write, triage or read."""
    next_number: int = 1
    """Of issues and pull requests, which share their numbers."""

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"


@dataclass(slots=True, kw_only=True)
class PullRequest:
    """A pull request; `head_sha` follows the head branch while it is open."""

    id: int
    number: int
    title: str
    author: Account
    base: Repository
    base_branch: str
    head: Repository | None
    """None when the fork was deleted."""
    head_branch: str
    head_sha: str
    created_at: datetime
    is_open: bool = True
    is_merged: bool = False


@dataclass(slots=True, kw_only=True)
class Issue:
    """An issue that is no pull request."""

    id: int
    number: int
    title: str
    author: Account
    repository: Repository
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Comment:
    """A comment in the conversation of a pull request or an issue."""

    id: int
    on: PullRequest | Issue
    author: Account
    body: str
    created_at: datetime
    updated_at: datetime
    is_by_app: bool = False
    """Made with a token of the App: the author is its bot."""
    reactions: list["Reaction"] = field(default_factory=list)
    writes: int = 1
    """How often it was created or edited."""

    @property
    def repository(self) -> Repository:
        return self.on.base if isinstance(self.on, PullRequest) else self.on.repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """One account's reaction to a comment."""

    id: int
    author: Account
    content: str
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Installation:
    """The App on an account; `repository_ids` None means all of the account's."""

    id: int
    account: Account
    created_at: datetime
    repository_ids: set[int] | None = None
    permissions: dict[str, str] = field(default_factory=dict)
    is_suspended: bool = False


@dataclass(slots=True, kw_only=True)
class Token:
    """An installation token."""

    value: str = field(repr=False)
    installation: Installation
    repository_ids: set[int] | None
    permissions: dict[str, str]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthCode:
    """What a person agreed to at log-in; good for one token."""

    user: Account
    redirect_uri: str
    challenge: str
    """Of PKCE; empty for none."""
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UserToken:
    """A person's own token."""

    value: str = field(repr=False)
    user: Account
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class CheckRun:
    """A check run of the App."""

    id: int
    repository: Repository
    head_sha: str
    name: str
    external_id: str
    details_url: str | None
    status: str
    conclusion: str | None
    started_at: str | None
    completed_at: str | None
    output: Json
    actions: list[Json]
    annotations: list[Json]
    writes: int = 1
    """How often it was created or updated."""


@dataclass(slots=True, kw_only=True)
class WorkflowJob:
    """A job of one attempt of a workflow run."""

    id: int
    key: str
    """The job's key in the workflow file: GITHUB_JOB."""
    name: str
    attempt: int
    environment: str | None
    request_token: str = field(repr=False)
    """What the runner shows to be given an OIDC token."""
    status: str = "in_progress"
    conclusion: str | None = None
    log: str = field(default="", repr=False)


@dataclass(slots=True, kw_only=True)
class WorkflowRun:
    """A workflow run; `sha` and `ref` are what the runner sees, `head_sha` what the API tells."""

    id: int
    number: int
    repository: Repository
    head_repository: Repository | None
    workflow_id: int
    workflow_path: str
    event: str
    actor: Account
    head_branch: str
    head_sha: str
    ref: str
    sha: str
    base_ref: str
    head_ref: str
    pull_requests: list[PullRequest]
    """Open ones of the same repository whose head this is; empty for runs of forks."""
    created_at: datetime
    attempt: int = 1
    status: str = "in_progress"
    conclusion: str | None = None
    jobs: list[WorkflowJob] = field(default_factory=list)

    @property
    def workflow_ref(self) -> str:
        return f"{self.repository.full_name}/{self.workflow_path}@{self.ref}"


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One attempt to hand over a webhook; a redelivery is another one of the same guid."""

    id: int
    guid: str
    event: str
    payload: Json
    delivered_at: datetime
    status_code: int = 0
    """0 while it waits or when nobody answered."""
    status: str = "pending"
    duration_seconds: float = 0.0
    is_redelivery: bool = False
