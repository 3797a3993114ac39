"""What is known when a job asks for databases: gathered by the caller, judged by the core."""

from dataclasses import dataclass

from app.core.assignments import Policies
from app.core.databases import DatabaseState
from app.core.identifiers import BranchName
from app.core.repositories import InstallationState, PullRequest, Repository, WorkflowRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything beside the token that a decision rests on.

    None always means "not known", never "no": what is not known is refused.
    """

    repository: Repository | None
    """As stored, found by its id; None: no such repository is registered."""
    installation: InstallationState
    """REMOVED also when GitHub answers definitely that it does not know the repository."""
    policies: Policies | None
    """Of the app's assignment; None: the app is not assigned to an instance."""
    live: Repository | None = None
    """As GitHub tells it now; None: GitHub could not say."""
    run: WorkflowRun | None = None
    """The token's workflow run as GitHub tells it now; None: GitHub could not say."""
    is_run_missing: bool = False
    """GitHub answered definitely that it knows no such run."""
    pull_request: PullRequest | None = None
    """Needed for `pull_request` only: the one of `revisions.pull_request_of`."""
    database_state: DatabaseState | None = None
    """Of the database that is asked for; None: there is none yet."""

    @property
    def default_branch(self) -> BranchName | None:
        """The live default branch; the stored one only while GitHub cannot say."""
        known = self.live or self.repository
        return known.default_branch if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A refusal: a stable code for programs, a sentence and a next step for people."""

    code: str
    message: str
    advice: str
    http_status: int = 403
    """403; 409 and 503 may succeed when asked again."""
    retry_after_seconds: int | None = None
