"""The API under /api/v1: for the Action, for people and for their programs."""

from flask_openapi3.openapi import OpenAPI

from app.web.api import (
    apps,
    audit,
    databases,
    description,
    history,
    instances,
    limits,
    login,
    runs,
    tokens,
    whoami,
)

_PARTS = (login, whoami, tokens, instances, limits, apps, databases, history, audit, runs)


def init_app(app: OpenAPI) -> None:
    """Serve every part of the API and its description."""
    for part in _PARTS:
        app.register_api(part.api)
    app.register_blueprint(description.pages)
