"""Workflow runs, their jobs and check runs as JSON."""

from demo.github.model import CheckRun, Json, WorkflowJob, WorkflowRun
from demo.github.objects import pull_requests
from demo.github.objects.accounts import AppIdentity, account, app, node_id
from demo.github.objects.repositories import api_url, minimal_repository, simple_commit
from demo.github.state import timestamp


def workflow_run(record: WorkflowRun, url: str) -> Json:
    base = api_url(record.repository, url)
    api = f"{base}/actions/runs/{record.id}"
    head_repository = record.head_repository
    links = ["jobs", "logs", "artifacts", "cancel", "rerun"]
    return {
        "id": record.id,
        "name": "Build",
        "node_id": node_id("WorkflowRun", record.id),
        "check_suite_id": record.id + 1,
        "check_suite_node_id": node_id("CheckSuite", record.id + 1),
        "head_branch": record.head_branch,
        "head_sha": record.head_sha,
        "path": record.workflow_path,
        "display_title": "Change",
        "run_number": record.number,
        "run_attempt": record.attempt,
        "event": record.event,
        "status": record.status,
        "conclusion": record.conclusion,
        "workflow_id": record.workflow_id,
        "url": api,
        "html_url": f"{url}/{record.repository.full_name}/actions/runs/{record.id}",
        "pull_requests": [pull_requests.minimal(each, url) for each in record.pull_requests],
        "created_at": timestamp(record.created_at),
        "updated_at": timestamp(record.created_at),
        "run_started_at": timestamp(record.created_at),
        "actor": account(record.actor, url),
        "triggering_actor": account(record.actor, url),
        "referenced_workflows": [],
        **{f"{name}_url": f"{api}/{name}" for name in links},
        "check_suite_url": f"{base}/check-suites/{record.id + 1}",
        "previous_attempt_url": None,
        "workflow_url": f"{base}/actions/workflows/{record.workflow_id}",
        "head_commit": _head_commit(record),
        "repository": minimal_repository(record.repository, url),
        "head_repository": head_repository and minimal_repository(head_repository, url),
    }


def workflow(record: WorkflowRun, url: str) -> Json:
    """The workflow itself, as `workflow_run` events carry it."""
    html = f"{url}/{record.repository.full_name}"
    return {
        "id": record.workflow_id,
        "node_id": node_id("Workflow", record.workflow_id),
        "name": "Build",
        "path": record.workflow_path,
        "state": "active",
        "created_at": timestamp(record.repository.created_at),
        "updated_at": timestamp(record.repository.created_at),
        "url": f"{api_url(record.repository, url)}/actions/workflows/{record.workflow_id}",
        "html_url": f"{html}/blob/{record.head_sha}/{record.workflow_path}",
        "badge_url": f"{html}/workflows/Build/badge.svg",
    }


def job(record: WorkflowJob, run: WorkflowRun, url: str) -> Json:
    base = api_url(run.repository, url)
    is_completed = record.status == "completed"
    return {
        "id": record.id,
        "run_id": run.id,
        "run_url": f"{base}/actions/runs/{run.id}",
        "run_attempt": record.attempt,
        "workflow_name": "Build",
        "head_branch": run.head_branch,
        "node_id": node_id("Job", record.id),
        "head_sha": run.head_sha,
        "url": f"{base}/actions/jobs/{record.id}",
        "html_url": f"{url}/{run.repository.full_name}/actions/runs/{run.id}/job/{record.id}",
        "check_run_url": f"{base}/check-runs/{record.id}",
        "name": record.name,
        "status": record.status,
        "conclusion": record.conclusion,
        "created_at": timestamp(run.created_at),
        "started_at": timestamp(run.created_at),
        "completed_at": timestamp(run.created_at) if is_completed else None,
        "steps": [],
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "GitHub Actions 1",
        "runner_group_id": 0,
        "runner_group_name": "GitHub Actions",
    }


def check_run(record: CheckRun, identity: AppIdentity) -> Json:
    url = identity.url
    api = f"{api_url(record.repository, url)}/check-runs/{record.id}"
    output = {key: record.output.get(key) for key in ("title", "summary", "text")}
    return {
        "id": record.id,
        "node_id": node_id("CheckRun", record.id),
        "head_sha": record.head_sha,
        "name": record.name,
        "external_id": record.external_id,
        "url": api,
        "html_url": f"{url}/{record.repository.full_name}/runs/{record.id}",
        "details_url": record.details_url or "https://example.com",
        "status": record.status,
        "conclusion": record.conclusion,
        "started_at": record.started_at,
        "completed_at": record.completed_at,
        "output": {
            **output,
            "annotations_count": len(record.annotations),
            "annotations_url": f"{api}/annotations",
        },
        "check_suite": {"id": _suite_id(record)},
        "app": app(identity),
        "pull_requests": [],
    }


def check_suite(record: CheckRun, identity: AppIdentity) -> Json:
    """The suite of the App on the check run's commit, as events carry it."""
    suite_id = _suite_id(record)
    base = api_url(record.repository, identity.url)
    return {
        "id": suite_id,
        "node_id": node_id("CheckSuite", suite_id),
        "head_branch": None,
        "head_sha": record.head_sha,
        "status": record.status,
        "conclusion": record.conclusion,
        "url": f"{base}/check-suites/{suite_id}",
        "check_runs_url": f"{base}/check-suites/{suite_id}/check-runs",
        "before": None,
        "after": record.head_sha,
        "pull_requests": [],
        "app": app(identity),
        "created_at": record.started_at,
        "updated_at": record.started_at,
        "latest_check_runs_count": 1,
        "head_commit": simple_commit(record.repository.git.show(record.head_sha)),
    }


def _suite_id(record: CheckRun) -> int:
    """One suite for each commit and App."""
    return int(record.head_sha[:10], 16)


def _head_commit(record: WorkflowRun) -> Json:
    source = record.head_repository or record.repository
    return simple_commit(source.git.show(record.head_sha))
