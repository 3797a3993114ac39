"""Workflow runs and their jobs: reading them, and starting them again."""

from collections.abc import Sequence

from app.core.errors import Conflict, GitHubUnavailable
from app.core.identifiers import CommitSha, WorkflowJobId, WorkflowRunId
from app.core.repositories import Repository, WorkflowJob, WorkflowRun
from app.github.answers import read_workflow_job, read_workflow_run
from app.github.client import Client, repository_path, require_same, scope_of
from app.github.failures import GitHubRefused
from app.github.tokens import RERUN


class RestWorkflows:
    """Workflow runs of one repository: what they are, and starting them again."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def workflow_run(self, repository: Repository, run_id: WorkflowRunId) -> WorkflowRun | None:
        answer = self._client.find(repository, "actions", "runs", str(run_id))
        if answer is None:
            return None
        found = read_workflow_run(answer.data)
        require_same(found.repository_id, repository)
        if found.id != run_id:
            raise GitHubUnavailable("GitHub answered about another workflow run.")
        return found

    def workflow_runs(self, repository: Repository, head_sha: CommitSha) -> Sequence[WorkflowRun]:
        records = self._client.all_of(
            repository,
            "actions",
            "runs",
            what="the workflow runs",
            key="workflow_runs",
            parameters={"head_sha": head_sha},
        )
        found = [read_workflow_run(each) for each in records]
        for run in found:
            require_same(run.repository_id, repository)
        if not found:
            self._client.confirm(repository)
        # A redirect of a renamed repository loses what was asked for.
        return [run for run in found if run.head_sha == head_sha]

    def workflow_jobs(
        self, repository: Repository, run_id: WorkflowRunId, *, attempt: int
    ) -> Sequence[WorkflowJob]:
        parts = ("actions", "runs", str(run_id), "attempts", str(attempt), "jobs")
        records = self._client.all_of(
            repository, *parts, what="the workflow run's jobs", key="jobs"
        )
        return [read_workflow_job(each) for each in records]

    def rerun_job(self, repository: Repository, job_id: WorkflowJobId) -> None:
        self._start(repository, "jobs", str(job_id), "rerun")

    def rerun_workflow(self, repository: Repository, run_id: WorkflowRunId) -> None:
        self._start(repository, "runs", str(run_id), "rerun")

    def _start(self, repository: Repository, *parts: str) -> None:
        path = repository_path(repository, "actions", *parts)
        try:
            self._client.request("POST", path, scope=scope_of(repository, RERUN))
        except GitHubRefused as error:
            raise Conflict(
                f"GitHub did not start the workflow again: {error.reason}",
                advice="Start the workflow by hand in the repository's Actions tab.",
                code="rerun_refused",
            ) from error
