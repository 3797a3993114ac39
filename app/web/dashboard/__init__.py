"""The dashboard: pages for the people who run the service and for those whose apps it serves."""

from flask import Blueprint, Flask, redirect
from flask.typing import ResponseReturnValue

from app.web.dashboard import (
    apps,
    audit,
    databases,
    instances,
    limits,
    new_instances,
    notices,
    rules,
    runs,
    tokens,
)
from app.web.identity import current_actor

dashboard = Blueprint("dashboard", __name__)
for part in (instances, new_instances, limits, apps, rules, databases, runs, audit, tokens):
    dashboard.register_blueprint(part.pages)


@dashboard.get("/")
def home() -> ResponseReturnValue:
    """Operators begin with the servers, everybody else with their apps."""
    return redirect("/instances" if current_actor().is_operator else "/apps")


def init_app(app: Flask) -> None:
    """Serve every page of the dashboard."""
    app.context_processor(notices.found)
    app.register_blueprint(dashboard)
