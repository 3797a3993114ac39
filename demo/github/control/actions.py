"""Workflow runs: their life, and the tokens of their jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demo.github import payloads
from demo.github.control.pull_requests import PullRequestControl
from demo.github.git import ZERO_SHA
from demo.github.model import Account, PullRequest, Repository, WorkflowJob, WorkflowRun
from demo.github.reruns import new_job, rerun

_WORKFLOW = ".github/workflows/build.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a run seldom needs said."""

    jobs: Sequence[str] = ("migrate",)
    """Their keys in the workflow file."""
    environment: str | None = None
    """The GitHub environment of the jobs."""
    actor: Account | None = None
    workflow: str = _WORKFLOW
    tag: str | None = None
    """For a push of a tag, which stands at the head of `branch`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What a run is about."""

    head_repository: Repository | None
    head_branch: str
    head_sha: str
    ref: str
    sha: str
    base_ref: str = ""
    head_ref: str = ""


class ActionsControl(PullRequestControl):
    """Runs start `in_progress` with all of their jobs, and end when told."""

    def start_run(
        self,
        repository: Repository,
        *,
        event: str = "push",
        branch: str | None = None,
        pull_request: PullRequest | None = None,
        options: RunOptions | None = None,
    ) -> WorkflowRun:
        """A run of one workflow; for `pull_request` events name the pull request.

        `branch` defaults to the default branch; merge groups name the queue's branch.
        """
        with self.context.state.lock:
            chosen = options or RunOptions()
            source = self._source(repository, event, branch, chosen.tag, pull_request)
            state = self.context.state
            run = WorkflowRun(
                id=state.new_id(),
                number=len(state.workflow_runs) + 1,
                repository=repository,
                head_repository=source.head_repository,
                workflow_id=repository.id + 1_000_000_000 + sum(chosen.workflow.encode()),
                workflow_path=chosen.workflow,
                event=event,
                actor=chosen.actor or self.user("mona"),
                head_branch=source.head_branch,
                head_sha=source.head_sha,
                ref=source.ref,
                sha=source.sha,
                base_ref=source.base_ref,
                head_ref=source.head_ref,
                pull_requests=self._with_head(repository, source),
                created_at=self._now(),
            )
            state.new_id()  # the run's check suite has the id after the run's
            run.jobs += [
                new_job(self.context, key=key, environment=chosen.environment)
                for key in chosen.jobs
            ]
            state.workflow_runs[run.id] = run
            self._tell_run(run, "requested")
            self._tell_run(run, "in_progress")
            for job in run.jobs:
                self._tell_job(run, job, "in_progress")
        return run

    def complete_job(self, run: WorkflowRun, key: str, conclusion: str = "success") -> None:
        with self.context.state.lock:
            self._complete(run, self.job(run, key), conclusion)

    def complete_run(self, run: WorkflowRun, conclusion: str = "success") -> None:
        """End the jobs of the present attempt that still run, then the run."""
        with self.context.state.lock:
            for job in run.jobs:
                if job.attempt == run.attempt and job.status != "completed":
                    self._complete(run, job, conclusion)
            run.status, run.conclusion = "completed", conclusion
            self._tell_run(run, "completed")

    def rerun(self, run: WorkflowRun) -> None:
        """A person presses "Re-run all jobs"."""
        with self.context.state.lock:
            rerun(self.context, run)

    def job(self, run: WorkflowRun, key: str = "migrate") -> WorkflowJob:
        """The job of that key in the present attempt."""
        return next(each for each in run.jobs if each.key == key and each.attempt == run.attempt)

    def token_for(
        self,
        run: WorkflowRun,
        job: WorkflowJob | None = None,
        *,
        audience: str,
        **overrides: Any,
    ) -> str:
        """An OIDC token of a job (by default the run's first); overrides replace claims."""
        with self.context.state.lock:
            chosen = job or next(each for each in run.jobs if each.attempt == run.attempt)
            return self.context.issuer.token_for(run, chosen, audience=audience, **overrides)

    def runner_environment(self, run: WorkflowRun, key: str = "migrate") -> dict[str, str]:
        """What the runner of a job has in its environment to ask for OIDC tokens."""
        job = self.job(run, key)
        url = f"{self.context.url}/_runner/{run.id}/{job.id}/idtoken?api-version=2.0"
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": job.request_token,
        }

    def _source(
        self,
        repository: Repository,
        event: str,
        branch: str | None,
        tag: str | None,
        pull_request: PullRequest | None,
    ) -> _Source:
        if pull_request is not None and event == "pull_request":
            return _Source(
                head_repository=pull_request.head,
                head_branch=pull_request.head_branch,
                head_sha=pull_request.head_sha,
                ref=f"refs/pull/{pull_request.number}/merge",
                sha=self.test_merge(pull_request),
                base_ref=pull_request.base_branch,
                head_ref=pull_request.head_branch,
            )
        name = branch or repository.default_branch
        sha = repository.git.head(name) or ZERO_SHA
        return _Source(
            head_repository=repository,
            head_branch=tag or name,
            head_sha=sha,
            ref=f"refs/tags/{tag}" if tag else f"refs/heads/{name}",
            sha=sha,
        )

    def _with_head(self, repository: Repository, source: _Source) -> list[PullRequest]:
        return [
            each
            for each in self.context.state.pull_requests.values()
            if each.is_open
            and each.base is repository
            and each.head is repository
            and each.head_branch == source.head_branch
        ]

    def _complete(self, run: WorkflowRun, job: WorkflowJob, conclusion: str) -> None:
        job.status, job.conclusion = "completed", conclusion
        self._tell_job(run, job, "completed")

    def _tell_run(self, run: WorkflowRun, action: str) -> None:
        parts = payloads.workflow_run(self.context, run)
        self._announce("workflow_run", run.repository, sender=run.actor, action=action, **parts)

    def _tell_job(self, run: WorkflowRun, job: WorkflowJob, action: str) -> None:
        parts = payloads.workflow_job(self.context, run, job)
        self._announce("workflow_job", run.repository, sender=run.actor, action=action, **parts)
