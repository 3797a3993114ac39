"""Workflow runs, jobs, and starting them again."""

from flask import Blueprint, jsonify, request

from demo.github.context import Context
from demo.github.model import Repository, WorkflowRun
from demo.github.objects import actions
from demo.github.reruns import rerun
from demo.github.rest.answers import Refused, not_found, page
from demo.github.rest.guard import Answer, repository_endpoint

blueprint = Blueprint("actions", __name__)


@blueprint.get("/repos/<owner>/<repo>/actions/runs")
@repository_endpoint("actions")
def runs(context: Context, repository: Repository) -> Answer:
    sha = request.args.get("head_sha")
    found = [
        run
        for run in reversed(context.state.workflow_runs.values())
        if run.repository is repository and sha in (None, run.head_sha)
    ]
    return page(
        found,
        lambda run: actions.workflow_run(run, context.url),
        key="workflow_runs",
        public_url=context.url,
    )


@blueprint.get("/repos/<owner>/<repo>/actions/runs/<int:run_id>")
@repository_endpoint("actions")
def run(context: Context, repository: Repository, run_id: int) -> Answer:
    return jsonify(actions.workflow_run(_run(context, repository, run_id), context.url))


@blueprint.get("/repos/<owner>/<repo>/actions/runs/<int:run_id>/jobs")
@repository_endpoint("actions")
def jobs(context: Context, repository: Repository, run_id: int) -> Answer:
    """Of the latest attempt, unless `filter=all`."""
    found = _run(context, repository, run_id)
    attempt = None if request.args.get("filter") == "all" else found.attempt
    return _jobs(context, found, attempt)


@blueprint.get("/repos/<owner>/<repo>/actions/runs/<int:run_id>/attempts/<int:attempt>/jobs")
@repository_endpoint("actions")
def jobs_of_attempt(context: Context, repository: Repository, run_id: int, attempt: int) -> Answer:
    found = _run(context, repository, run_id)
    if not 1 <= attempt <= found.attempt:
        raise not_found()
    return _jobs(context, found, attempt)


@blueprint.post("/repos/<owner>/<repo>/actions/runs/<int:run_id>/rerun")
@repository_endpoint("actions", level="write")
def rerun_run(context: Context, repository: Repository, run_id: int) -> Answer:
    found = _run(context, repository, run_id)
    _require_completed(found)
    rerun(context, found)
    return jsonify({}), 201


@blueprint.post("/repos/<owner>/<repo>/actions/jobs/<int:job_id>/rerun")
@repository_endpoint("actions", level="write")
def rerun_job(context: Context, repository: Repository, job_id: int) -> Answer:
    for found in context.state.workflow_runs.values():
        for job in found.jobs:
            if job.id == job_id and found.repository is repository:
                _require_completed(found)
                rerun(context, found, only=job)
                return jsonify({}), 201
    raise not_found()


def _run(context: Context, repository: Repository, run_id: int) -> WorkflowRun:
    found = context.state.workflow_runs.get(run_id)
    if found is None or found.repository is not repository:
        raise not_found()
    return found


def _jobs(context: Context, found: WorkflowRun, attempt: int | None) -> Answer:
    chosen = [job for job in found.jobs if attempt in (None, job.attempt)]
    return page(
        chosen,
        lambda job: actions.job(job, found, context.url),
        key="jobs",
        public_url=context.url,
    )


def _require_completed(found: WorkflowRun) -> None:
    if found.status != "completed":
        raise Refused(403, "This workflow is already running")
