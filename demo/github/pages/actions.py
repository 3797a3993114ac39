"""Workflow runs: what they said, and starting them by hand."""

from flask import Blueprint, request

from demo.github.context import Context
from demo.github.control.actions import RunOptions
from demo.github.model import Repository, WorkflowRun
from demo.github.pages import people, places
from demo.github.pages.frame import missing, refusal, show
from demo.github.pages.guard import PREFIX, back_to, repository_page
from demo.github.rest.guard import Answer

blueprint = Blueprint("action_pages", __name__, url_prefix=PREFIX)

FOLDER = ".github/workflows"


@blueprint.get("/<owner>/<repo>/actions")
@repository_page
def runs(found: Context, repository: Repository) -> Answer:
    shown = [
        run for run in reversed(found.state.workflow_runs.values()) if run.repository is repository
    ]
    return show(
        "workflow_runs.html",
        "Workflow runs",
        repository=repository,
        runs=shown,
        branches=repository.git.branches(),
        writers=people.of(found, repository, at_least="write"),
    )


@blueprint.get("/<owner>/<repo>/actions/runs/<int:run_id>")
@blueprint.get("/<owner>/<repo>/actions/runs/<int:run_id>/job/<int:job_id>")
@blueprint.get("/<owner>/<repo>/actions/runs/<int:run_id>/attempts/<int:attempt>")
@repository_page
def run(
    found: Context, repository: Repository, run_id: int, job_id: int = 0, attempt: int = 0
) -> Answer:
    """Every attempt of a run, with its jobs and their logs; `job_id` and `attempt` choose none."""
    record = _run(found, repository, run_id)
    if record is None:
        return missing()
    return show(
        "workflow_run.html",
        f"Workflow run {record.number}",
        repository=repository,
        run=record,
        writers=people.of(found, repository, at_least="write"),
    )


@blueprint.post("/<owner>/<repo>/actions/runs")
@repository_page
def start(found: Context, repository: Repository) -> Answer:
    """Start a workflow for a branch by hand: `workflow_dispatch`."""
    actor = people.chosen(found, repository, at_least="write")
    branch = request.form.get("branch", "")
    sha = repository.git.head(branch)
    workflows = repository.git.files(sha, FOLDER) if sha else []
    if not workflows:
        return refusal(f"There is no workflow on {branch!r}.", status=422)
    options = RunOptions(workflow=workflows[0], actor=actor)
    started = people.Everything(found).start_run(
        repository, event="workflow_dispatch", branch=branch, options=options
    )
    return back_to(places.of(repository, "actions", "runs", started.id))


@blueprint.post("/<owner>/<repo>/actions/runs/<int:run_id>")
@repository_page
def rerun(found: Context, repository: Repository, run_id: int) -> Answer:
    record = _run(found, repository, run_id)
    if record is None:
        return missing()
    people.chosen(found, repository, at_least="write")
    if record.status != "completed":
        return refusal("This workflow is already running.", status=409)
    people.Everything(found).rerun(record)
    return back_to(places.of(repository, "actions", "runs", run_id))


def _run(found: Context, repository: Repository, run_id: int) -> WorkflowRun | None:
    record = found.state.workflow_runs.get(run_id)
    return record if record is not None and record.repository is repository else None
