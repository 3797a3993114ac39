"""The App itself: its installations, tokens and webhook deliveries."""

import json

from flask import Blueprint, jsonify, request

from demo.github import access, payloads
from demo.github.context import Context
from demo.github.model import Delivery, Installation, Json
from demo.github.objects import accounts
from demo.github.rest.answers import Refused, not_found, page
from demo.github.rest.guard import Answer, app_endpoint
from demo.github.state import timestamp

blueprint = Blueprint("app", __name__)


@blueprint.get("/app")
@app_endpoint
def show(context: Context) -> Answer:
    count = len(context.state.installations)
    return jsonify(accounts.app(context.identity, installations_count=count))


@blueprint.get("/app/installations")
@app_endpoint
def installations(context: Context) -> Answer:
    records = list(context.state.installations.values())
    return page(
        records, lambda each: accounts.installation(each, context.identity), public_url=context.url
    )


@blueprint.get("/app/installations/<int:installation_id>")
@app_endpoint
def show_installation(context: Context, installation_id: int) -> Answer:
    record = _installation(context, installation_id)
    return jsonify(accounts.installation(record, context.identity))


@blueprint.get("/repos/<owner>/<repo>/installation")
@app_endpoint
def repository_installation(context: Context, owner: str, repo: str) -> Answer:
    state = context.state
    full_name = f"{owner}/{repo}"
    # GitHub redirects from a former name; the answer is the same.
    repository = state.repository(full_name) or state.moved_repository(full_name)
    record = context.state.installation_of(repository) if repository else None
    if record is None:
        raise not_found()
    return jsonify(accounts.installation(record, context.identity))


@blueprint.post("/app/installations/<int:installation_id>/access_tokens")
@app_endpoint
def create_token(context: Context, installation_id: int) -> Answer:
    record = _installation(context, installation_id)
    if record.is_suspended:
        raise Refused(403, "This installation has been suspended")
    body: Json = json.loads(request.get_data() or b"{}")
    wanted = body.get("repository_ids")
    seen = {
        repository.id
        for repository in context.state.repositories.values()
        if context.state.is_seen(repository, by=record)
    }
    if wanted is not None and not set(wanted) <= seen:
        raise Refused(
            422,
            "There is at least one repository that does not exist or is not accessible to the "
            "parent installation.",
        )
    token = access.new_token(
        record,
        repository_ids=None if wanted is None else set(wanted),
        permissions=body.get("permissions"),
        valid_for=context.token_lifetime,
    )
    context.state.tokens[token.value] = token
    return jsonify(accounts.token(token)), 201


@blueprint.get("/app/hook/config")
@app_endpoint
def hook_configuration(context: Context) -> Answer:
    return jsonify(payloads.hook_configuration(context))


@blueprint.get("/app/hook/deliveries")
@app_endpoint
def deliveries(context: Context) -> Answer:
    """Newest first; `cursor` names the last one of the page before."""
    size = max(1, min(int(request.args.get("per_page", 30)), 100))
    sent = [
        each for each in reversed(context.state.deliveries) if each.status_code or _failed(each)
    ]
    cursor = request.args.get("cursor")
    if cursor:
        # Older ones; ids grow with time.
        sent = [each for each in sent if f"v1_{each.id}" < cursor]
    shown = sent[:size]
    answer = jsonify([_delivery(each) for each in shown])
    if len(sent) > size:
        base = context.url + request.environ["github.prefix"]
        following = f"{base}/app/hook/deliveries?per_page={size}&cursor=v1_{shown[-1].id}"
        answer.headers["Link"] = f'<{following}>; rel="next"'
    return answer


@blueprint.post("/app/hook/deliveries/<int:delivery_id>/attempts")
@app_endpoint
def redeliver(context: Context, delivery_id: int) -> Answer:
    found = next((each for each in context.state.deliveries if each.id == delivery_id), None)
    if found is None:
        raise not_found()
    context.hook.redeliver(found)
    return jsonify({}), 202


def _installation(context: Context, installation_id: int) -> Installation:
    record = context.state.installations.get(installation_id)
    if record is None:
        raise not_found()
    return record


def _failed(delivery: Delivery) -> bool:
    return delivery.status in ("timed out", "failed to connect to host")


def _delivery(record: Delivery) -> Json:
    repository = record.payload.get("repository") or {}
    installation = record.payload.get("installation") or {}
    return {
        "id": record.id,
        "guid": record.guid,
        "delivered_at": timestamp(record.delivered_at),
        "redelivery": record.is_redelivery,
        "duration": record.duration_seconds,
        "status": record.status,
        "status_code": record.status_code,
        "event": record.event,
        "action": record.payload.get("action"),
        "installation_id": installation.get("id"),
        "repository_id": repository.get("id"),
        "throttled_at": None,
    }
