"""Assignments: assigning a repository, editing the rules, removing the app."""

from dataclasses import replace
from itertools import groupby

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.assignments import RULES, Policies
from app.core.errors import CoppiceError, Invalid
from app.core.identifiers import AppId
from app.core.people import Manage, See
from app.core.rules import changed
from app.operations import access
from app.operations.administration import assignments, github_setup
from app.operations.administration.assignments import RepositoryChoices, repository_choices
from app.operations.administration.limits import described
from app.operations.services import Services
from app.web.dashboard import fields
from app.web.dashboard.notices import done
from app.web.identity import acting

GROUPS = [list(group) for _, group in groupby(RULES, key=lambda rule: rule.group)]
"""The rules as the form has them, those of a title together."""
_READ = {bool: fields.is_checked, tuple: fields.lines}

pages = Blueprint("rules", __name__)


@pages.get("/assign")
def new(error: CoppiceError | None = None) -> ResponseReturnValue:
    """Who is no operator names the repository first, and chooses of the instances they see."""
    services = acting()
    given = request.values
    repository = given.get("repository", "").strip()
    if repository and not services.actor.is_operator and error is None:
        try:
            access.to_assign(services, repository, None)
        except CoppiceError as problem:
            error, repository = problem, ""
    may_choose = services.actor.is_operator or bool(repository)
    page_url, choices = _choices_of_repositories(services)
    page = render_template(
        "assign.html",
        given=given,
        groups=GROUPS,
        policies=_policies(Policies()) if request.method == "POST" else Policies(),
        error=error,
        instances=_choices(services) if may_choose else [],
        may_choose=may_choose,
        repositories=choices,
        is_connected=services.github_app.current(is_fresh=True) is not None,
        install_url=f"{page_url}/installations/new" if page_url else "",
    )
    return page, fields.status_of(error)


@pages.post("/assign")
def assign() -> ResponseReturnValue:
    services = acting()
    try:
        app_id = fields.text("app_id") or None
        repository = fields.text("repository")
        what = access.to_assign(services, repository, AppId(app_id) if app_id else None)
        if not fields.text("instance"):
            raise Invalid("No instance was chosen.", advice="Choose where the databases shall be.")
        assigned = assignments.assign(
            services,
            what,
            access.instance(services, fields.text("instance"), See),
            migration_command=fields.text("migration_command"),
            policies=_policies(Policies()),
        )
    except CoppiceError as error:
        return new(error)
    return done(url_for("dashboard.apps.show", app_id=assigned.app.id), "assigned")


@pages.get("/apps/<app_id>/edit")
def edit(app_id: str, error: CoppiceError | None = None) -> ResponseReturnValue:
    services = acting()
    assigned = access.app(services, AppId(app_id), Manage).subject
    shown = assigned.assignment
    if request.method == "POST":
        command = fields.text("migration_command")
        shown = replace(shown, migration_command=command, policies=_policies(shown.policies))
    page = render_template(
        "assignment.html",
        assigned=assigned,
        shown=shown,
        groups=GROUPS,
        limits=described(services.store.limits.of(assigned.instance.id)),
        error=error,
    )
    return page, fields.status_of(error)


@pages.post("/apps/<app_id>/edit")
def save(app_id: str) -> ResponseReturnValue:
    services = acting()
    assigned = access.app(services, AppId(app_id), Manage)
    try:
        assignments.edit(
            services,
            assigned,
            migration_command=fields.text("migration_command"),
            policies=_policies(assigned.subject.assignment.policies),
        )
    except CoppiceError as error:
        return edit(app_id, error)
    return done(url_for("dashboard.apps.show", app_id=app_id), "edited")


@pages.get("/apps/<app_id>/remove")
def ask_to_remove(app_id: str) -> ResponseReturnValue:
    assigned = access.app(acting(), AppId(app_id), Manage).subject
    return render_template("remove.html", assigned=assigned)


@pages.post("/apps/<app_id>/remove")
def remove(app_id: str) -> ResponseReturnValue:
    services = acting()
    assignments.remove(services, access.app(services, AppId(app_id), Manage))
    return done(url_for("dashboard.apps.show", app_id=app_id), "removed")


def _policies(before: Policies) -> Policies:
    """The rules as the form has them."""
    try:
        return changed(
            before, {rule.name: _READ.get(rule.kind, fields.text)(rule.name) for rule in RULES}
        )
    except ValueError:
        raise Invalid(
            "The form holds a choice that does not exist.", advice="Load the page again."
        ) from None


def _choices(services: Services) -> list[tuple[str, str]]:
    """Instances as options; of several, none is chosen before somebody chooses."""
    instances = sorted(access.instances(services), key=lambda one: one.name)
    servers = services.store.measurements.of_instances({one.id for one in instances})
    away = {instance_id for instance_id, server in servers.items() if server.failure}
    options = [
        (one.name, f"{one.name} (did not answer)" if one.id in away else one.name)
        for one in instances
    ]
    return options if len(options) < 2 else [("", "Choose one"), *options]


def _choices_of_repositories(services: Services) -> tuple[str, RepositoryChoices | None]:
    """The App's page at GitHub and what it sees there, for operators: names are not everybody's."""
    app = services.github_app.current() if services.actor.is_operator else None
    if app is None:
        return "", None
    return github_setup.page_of(services, app), repository_choices(services)
