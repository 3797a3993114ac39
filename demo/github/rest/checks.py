"""Check runs, with every limit that GitHub states or enforces."""

import json
from datetime import datetime
from typing import Any

from flask import Blueprint, jsonify, request

from demo.github import payloads
from demo.github.context import Context
from demo.github.model import CheckRun, Json, Repository
from demo.github.objects import actions
from demo.github.rest.answers import Refused, invalid, not_found, page
from demo.github.rest.guard import Answer, repository_endpoint
from demo.github.state import timestamp, utc_now

blueprint = Blueprint("checks", __name__)

_STATUSES = {"queued", "in_progress", "completed"}
_CONCLUSIONS = {
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "success",
    "skipped",
    "timed_out",
}
_ACTION_LIMITS = {"label": 20, "description": 40, "identifier": 20}
_TEXT_LIMIT = 65_535
_MOST_ANNOTATIONS = 50
_LEVELS = {"notice", "warning", "failure"}


@blueprint.post("/repos/<owner>/<repo>/check-runs")
@repository_endpoint("checks", level="write")
def create(context: Context, repository: Repository) -> Answer:
    body = _body()
    for field in ("name", "head_sha"):
        if not isinstance(body.get(field), str) or not body[field]:
            raise invalid("CheckRun", field, f"{field} is missing")
    if not repository.git.knows(body["head_sha"]):
        raise Refused(422, f"No commit found for SHA: {body['head_sha']}")
    record = CheckRun(
        id=context.state.new_id(),
        repository=repository,
        head_sha=body["head_sha"],
        name=body["name"],
        external_id="",
        details_url=None,
        status="queued",
        conclusion=None,
        started_at=timestamp(utc_now()),
        completed_at=None,
        output={},
        actions=[],
        annotations=[],
        writes=0,
    )
    _change(record, body)
    context.state.check_runs[record.id] = record
    _tell(context, record, "created")
    return jsonify(actions.check_run(record, context.identity)), 201


@blueprint.patch("/repos/<owner>/<repo>/check-runs/<int:check_run_id>")
@repository_endpoint("checks", level="write")
def update(context: Context, repository: Repository, check_run_id: int) -> Answer:
    record = _check_run(context, repository, check_run_id)
    was_completed = record.status == "completed"
    _change(record, _body())
    if record.status == "completed" and not was_completed:
        _tell(context, record, "completed")
    return jsonify(actions.check_run(record, context.identity))


@blueprint.get("/repos/<owner>/<repo>/check-runs/<int:check_run_id>")
@repository_endpoint("checks")
def show(context: Context, repository: Repository, check_run_id: int) -> Answer:
    record = _check_run(context, repository, check_run_id)
    return jsonify(actions.check_run(record, context.identity))


@blueprint.get("/repos/<owner>/<repo>/commits/<path:reference>/check-runs")
@repository_endpoint("checks")
def of_commit(context: Context, repository: Repository, reference: str) -> Answer:
    sha = repository.git.commit_of(reference)
    if sha is None:
        raise Refused(422, f"No commit found for SHA: {reference}")
    found = [
        record
        for record in reversed(context.state.check_runs.values())
        if record.repository is repository and record.head_sha == sha and _is_wanted(record)
    ]
    if request.args.get("filter", "latest") == "latest":
        found = list({record.name: record for record in reversed(found)}.values())
    return page(
        found,
        lambda record: actions.check_run(record, context.identity),
        key="check_runs",
        public_url=context.url,
    )


def _is_wanted(record: CheckRun) -> bool:
    arguments = request.args
    return arguments.get("check_name") in (None, record.name) and arguments.get("status") in (
        None,
        record.status,
    )


def _check_run(context: Context, repository: Repository, check_run_id: int) -> CheckRun:
    record = context.state.check_runs.get(check_run_id)
    if record is None or record.repository is not repository:
        raise not_found()
    return record


def _change(record: CheckRun, body: Json) -> None:
    _validate(body)
    for field in ("name", "external_id", "details_url", "started_at", "completed_at"):
        if field in body:
            setattr(record, field, body[field])
    if "output" in body:
        output = dict(body["output"])
        record.annotations += output.pop("annotations", [])
        record.output = record.output | output
    if "actions" in body:
        record.actions = body["actions"]
    _progress(record, body)
    record.writes += 1


def _progress(record: CheckRun, body: Json) -> None:
    record.status = "completed" if "conclusion" in body else body.get("status", record.status)
    if record.status != "completed":
        # GitHub lets a completed check run be opened again.
        record.conclusion, record.completed_at = None, None
        return
    record.conclusion = body.get("conclusion", record.conclusion)
    if record.conclusion is None:
        raise invalid("CheckRun", "conclusion", "conclusion is required when completed")
    record.completed_at = record.completed_at or timestamp(utc_now())


def _validate(body: Json) -> None:
    if body.get("status", "queued") not in _STATUSES:
        raise invalid("CheckRun", "status", "status is not included in the list")
    if "conclusion" in body and body["conclusion"] not in _CONCLUSIONS:
        raise invalid("CheckRun", "conclusion", "conclusion is not included in the list")
    for field in ("started_at", "completed_at"):
        if field in body:
            _validate_time(field, body[field])
    if "output" in body:
        _validate_output(body["output"])
    _validate_actions(body.get("actions", []))


def _validate_time(field: str, value: Any) -> None:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise invalid("CheckRun", field, f"{field} is not a valid time") from error
    if at.tzinfo is None:
        raise invalid("CheckRun", field, f"{field} has no time zone")


def _validate_output(output: Json) -> None:
    for field in ("title", "summary"):
        if not output.get(field):
            raise invalid("CheckRun", f"output.{field}", f"{field} is required")
    for field in ("summary", "text"):
        if len(output.get(field) or "") > _TEXT_LIMIT:
            raise invalid("CheckRun", f"output.{field}", "exceeds maximum length of 65535")
    annotations = output.get("annotations", [])
    if len(annotations) > _MOST_ANNOTATIONS:
        raise invalid("CheckRun", "annotations", "no more than 50 annotations per request")
    for annotation in annotations:
        _validate_annotation(annotation)


def _validate_annotation(annotation: Json) -> None:
    for field in ("path", "message"):
        if not annotation.get(field):
            raise invalid("CheckRun", f"annotations.{field}", f"{field} is required")
    start, end = annotation.get("start_line", 0), annotation.get("end_line", 0)
    if not 1 <= start <= end:
        raise invalid("CheckRun", "annotations.start_line", "lines begin at 1 and run forward")
    if annotation.get("annotation_level") not in _LEVELS:
        raise invalid("CheckRun", "annotations.annotation_level", "is not included in the list")
    if len(annotation.get("title") or "") > 255:
        raise invalid("CheckRun", "annotations.title", "exceeds maximum length of 255")
    if len(annotation["message"].encode()) > 64 * 1024:
        raise invalid("CheckRun", "annotations.message", "exceeds maximum size of 64 KB")


def _validate_actions(found: list[Json]) -> None:
    if len(found) > 3:
        raise invalid("CheckRun", "actions", "no more than 3 actions")
    for action in found:
        for field, limit in _ACTION_LIMITS.items():
            if not 0 < len(action.get(field, "")) <= limit:
                raise invalid("CheckRun", f"actions.{field}", f"must be 1 to {limit} characters")


def _body() -> Json:
    try:
        body = json.loads(request.get_data())
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error
    if not isinstance(body, dict):
        raise Refused(400, "Body should be a JSON object")
    return body


def _tell(context: Context, record: CheckRun, action: str) -> None:
    """GitHub sends an App the events of its own check runs too."""
    shown = payloads.check_run(context, record)
    payload = payloads.framed(
        context, record.repository, context.identity.owner, action=action, check_run=shown
    )
    context.hook.send("check_run", payload)
