"""The claims of a GitHub Actions OIDC token, once its signature has been verified."""

from dataclasses import dataclass
from datetime import datetime

from app.core.identifiers import (
    CommitSha,
    OwnerId,
    RepositoryId,
    WorkflowJobId,
    WorkflowRunId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What GitHub vouches for about the job that asks.

    `sub` is required in the token and never read: it has at least four shapes.
    https://docs.github.com/en/actions/reference/security/oidc
    """

    repository_id: RepositoryId
    owner_id: OwnerId
    repository: str
    event_name: str
    ref: str
    ref_type: str
    head_ref: str
    sha: CommitSha
    run_id: WorkflowRunId
    run_attempt: int
    workflow_ref: str
    job_workflow_ref: str
    environment: str
    runner_environment: str
    actor: str
    token_id: str
    """`jti`."""
    job_id: WorkflowJobId | None
    """`check_run_id`: the job's own id, where GitHub sends it."""
    expires_at: datetime
