"""Comments in the conversations of issues and pull requests, and reactions to them."""

import json
from typing import Any

from flask import Blueprint, jsonify, request

from demo.github import access
from demo.github.context import Context
from demo.github.conversations import bot, new_comment, tell
from demo.github.model import Comment, Issue, Json, PullRequest, Reaction, Repository
from demo.github.objects import comments
from demo.github.objects.comments import LONGEST_BODY
from demo.github.rest.answers import Refused, invalid, not_found, page
from demo.github.rest.guard import Answer, repository_endpoint, token
from demo.github.state import utc_now

blueprint = Blueprint("comments", __name__)


@blueprint.get("/repos/<owner>/<repo>/issues/<int:number>/comments")
@repository_endpoint("metadata")
def listed(context: Context, repository: Repository, number: int) -> Answer:
    """Oldest first."""
    conversation = _conversation(context, repository, number)
    _require(context, repository, conversation, level="read")
    found = [each for each in context.state.comments.values() if each.on is conversation]
    return page(
        found, lambda each: comments.comment(each, context.identity), public_url=context.url
    )


@blueprint.post("/repos/<owner>/<repo>/issues/<int:number>/comments")
@repository_endpoint("metadata")
def create(context: Context, repository: Repository, number: int) -> Answer:
    conversation = _conversation(context, repository, number)
    _require(context, repository, conversation, level="write")
    body = _text(_body())
    record = new_comment(context, conversation, author=bot(context), body=body, is_by_app=True)
    return jsonify(comments.comment(record, context.identity)), 201


@blueprint.get("/repos/<owner>/<repo>/issues/comments/<int:comment_id>")
@repository_endpoint("metadata")
def show(context: Context, repository: Repository, comment_id: int) -> Answer:
    record = _comment(context, repository, comment_id)
    _require(context, repository, record.on, level="read")
    return jsonify(comments.comment(record, context.identity))


@blueprint.patch("/repos/<owner>/<repo>/issues/comments/<int:comment_id>")
@repository_endpoint("metadata")
def update(context: Context, repository: Repository, comment_id: int) -> Answer:
    record = _comment(context, repository, comment_id)
    _require(context, repository, record.on, level="write")
    before, record.body = record.body, _text(_body())
    record.updated_at = utc_now()
    record.writes += 1
    changes = {"body": {"from": before}}
    tell(context, record, "edited", sender=bot(context), changes=changes)
    return jsonify(comments.comment(record, context.identity))


@blueprint.post("/repos/<owner>/<repo>/issues/comments/<int:comment_id>/reactions")
@repository_endpoint("metadata")
def react(context: Context, repository: Repository, comment_id: int) -> Answer:
    """200 for a reaction that is there already; GitHub sends no event for any."""
    record = _comment(context, repository, comment_id)
    _require(context, repository, record.on, level="write")
    content = _body().get("content")
    if content not in comments.REACTIONS:
        raise invalid("Reaction", "content", "content is not included in the list")
    author = bot(context)
    for given in record.reactions:
        if (given.author, given.content) == (author, content):
            return jsonify(comments.reaction(given, context.url)), 200
    made = Reaction(id=context.state.new_id(), author=author, content=content, created_at=utc_now())
    record.reactions.append(made)
    return jsonify(comments.reaction(made, context.url)), 201


def _require(
    context: Context, repository: Repository, on: PullRequest | Issue, *, level: str
) -> None:
    """A conversation of a pull request opens to the permission for those as well.

    https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
    """
    names = ["issues", "pull_requests"] if isinstance(on, PullRequest) else ["issues"]
    access.require_either(token(context), repository, names, level=level)


def _conversation(context: Context, repository: Repository, number: int) -> PullRequest | Issue:
    key = (repository.id, number)
    found = context.state.pull_requests.get(key) or context.state.issues.get(key)
    if found is None:
        raise not_found()
    return found


def _comment(context: Context, repository: Repository, comment_id: int) -> Comment:
    record = context.state.comments.get(comment_id)
    if record is None or record.repository is not repository:
        raise not_found()
    return record


def _text(body: Json) -> str:
    text = body.get("body")
    if not isinstance(text, str) or not text.strip():
        raise invalid("IssueComment", "body", "Body cannot be blank")
    if len(text) > LONGEST_BODY:
        raise invalid("IssueComment", "body", "Body is too long (maximum is 65536 characters)")
    return text


def _body() -> Json:
    try:
        body: Any = json.loads(request.get_data())
    except ValueError as error:
        raise Refused(400, "Problems parsing JSON") from error
    if not isinstance(body, dict):
        raise Refused(400, "Body should be a JSON object")
    return body
