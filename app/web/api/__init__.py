"""The API under /api/v1: for the Action, for people and for their programs."""

from flask import request
from flask_openapi3.openapi import OpenAPI

from app.web import bodies
from app.web.api import (
    apps,
    audit,
    databases,
    description,
    github_app,
    history,
    instances,
    limits,
    login,
    runs,
    tokens,
    whoami,
)
from app.web.identity import current_actor

_PARTS = (
    apps,
    databases,
    history,
    instances,
    limits,
    whoami,
    tokens,
    audit,
    github_app,
    login,
    runs,
)

_OF_PEOPLE = frozenset(part.api.name for part in _PARTS if part not in (login, runs))


def init_app(app: OpenAPI) -> None:
    """Serve every part of the API and its description."""
    for part in _PARTS:
        app.register_api(part.api)
    app.register_blueprint(description.pages)
    app.before_request(_refuse_nobody)
    app.before_request(_refuse_nonsense)


def _refuse_nobody() -> None:
    """Raise Unauthorized before anything of a request is looked at that carries no proof.

    Else whoever has none would learn from the complaints what the API takes.
    """
    if request.blueprint == runs.api.name:
        runs.job_token()
    elif request.blueprint in _OF_PEOPLE:
        current_actor()


def _refuse_nonsense() -> None:
    if request.path.startswith("/api/v1/"):
        bodies.check_json()
