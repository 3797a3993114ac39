"""Starting a workflow run again: the next attempt of the same run."""

import secrets

from demo.github import payloads
from demo.github.context import Context
from demo.github.model import WorkflowJob, WorkflowRun


def rerun(context: Context, run: WorkflowRun, *, only: WorkflowJob | None = None) -> None:
    """A new attempt with new jobs; with `only`, the other jobs are copied with their results.

    https://docs.github.com/en/actions/how-tos/manage-workflow-runs/re-run-workflows-and-jobs
    """
    before = [job for job in run.jobs if job.attempt == run.attempt]
    run.attempt += 1
    run.status, run.conclusion = "in_progress", None
    for job in before:
        is_again = only is None or job is only
        run.jobs.append(_next(context, job, attempt=run.attempt, is_again=is_again))
    for action in ("requested", "in_progress"):
        parts = payloads.workflow_run(context, run)
        context.hook.send(
            "workflow_run",
            payloads.framed(context, run.repository, run.actor, action=action, **parts),
        )


def new_job(
    context: Context, *, key: str, attempt: int = 1, environment: str | None = None
) -> WorkflowJob:
    return WorkflowJob(
        id=context.state.new_id(),
        key=key,
        name=key,
        attempt=attempt,
        environment=environment,
        request_token=secrets.token_urlsafe(32),
    )


def _next(context: Context, job: WorkflowJob, *, attempt: int, is_again: bool) -> WorkflowJob:
    again = new_job(context, key=job.key, attempt=attempt, environment=job.environment)
    again.name = job.name
    if not is_again:
        again.status, again.conclusion = job.status, job.conclusion
    return again
