"""What is done to one database: its URL shown, Fix, Reset, Seed, Restore, Delete."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import dotenv, seeding
from app.core.audit import AuditEvent
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import CoppiceError, Invalid
from app.core.identifiers import DatabaseId
from app.core.people import Change, Connect, Lose, See
from app.core.standing import Fault
from app.operations import access
from app.operations.access import Doing, Permitted
from app.operations.administration import databases as administration
from app.operations.administration import local_work
from app.operations.databases import templates
from app.operations.runs.credentials import variables
from app.operations.services import Services
from app.web.dashboard import fields
from app.web.dashboard.notices import done
from app.web.identity import acting

pages = Blueprint("databases", __name__, url_prefix="/databases/<int:database_id>")


@pages.post("/url")
def url(database_id: int) -> ResponseReturnValue:
    """Show how to connect. Audited; a POST, so that no link or look ahead reveals it."""
    services, database = _found(database_id, Connect)
    login = administration.login(services, database, purpose=AuditEvent.DATABASES_URL)
    found = variables(login) | local_work.shadow_variables(
        services, database, purpose=AuditEvent.DATABASES_URL
    )
    return render_template(
        "url.html",
        database=database.subject,
        back=_page_of(services, database.subject),
        variables=found,
        dotenv=dotenv.written(found),
        ca_certificate=login.instance.public_address.ca_certificate,
        instance=login.instance,
    )


@pages.get("/url")
def ask_for_url(database_id: int) -> ResponseReturnValue:
    """The address of the page above, opened again: go where the button is."""
    services, database = _found(database_id, See)
    return _back(services, database, "press-url")


@pages.get("/fix")
def ask_to_fix(database_id: int, error: CoppiceError | None = None) -> ResponseReturnValue:
    """Of one that is gone from its server: a new one takes its place. Of others nobody asks."""
    services, database = _found(database_id, Change)
    if database.subject.reason_code != Fault.MISSING:
        return _back(services, database, "press-fix")
    return _page(services, database, "database_fix.html", error)


@pages.post("/fix")
def fix(database_id: int) -> ResponseReturnValue:
    services, database = _found(database_id, Change)
    try:
        if database.subject.reason_code == Fault.MISSING:
            fields.confirm(database.subject.name)
        administration.fix(services, database)
    except Invalid as error:
        return ask_to_fix(database_id, error)
    return _back(services, database, "fix")


@pages.post("/restore")
def restore(database_id: int) -> ResponseReturnValue:
    services, database = _found(database_id, Change)
    administration.restore(services, database)
    return _back(services, database, "restore")


@pages.get("/reset")
def ask_to_reset(database_id: int, error: CoppiceError | None = None) -> ResponseReturnValue:
    return _ask(database_id, "database_reset.html", error)


@pages.post("/reset")
def reset(database_id: int) -> ResponseReturnValue:
    services, database = _found(database_id, Lose)
    try:
        fields.confirm(database.subject.name)
        administration.reset(services, database)
    except CoppiceError as error:
        return ask_to_reset(database_id, error)
    is_dev = database.subject.environment is Environment.DEV
    return _back(services, database, "reset-dev" if is_dev else "reset")


@pages.get("/seed")
def ask_to_seed(database_id: int, error: CoppiceError | None = None) -> ResponseReturnValue:
    services, database = _found(database_id, Change)
    assignment = services.store.apps.assignment(database.subject.app_id)
    last = services.store.history.last_migrations([database.subject.id]).get(database.subject.id)
    return _page(
        services,
        database,
        "database_seed.html",
        error,
        command=seeding.known_command(last.seed_command if last else "", assignment.policies)
        if assignment
        else "",
    )


@pages.post("/seed")
def seed(database_id: int) -> ResponseReturnValue:
    """Have the next run seed it, or for `dev` the next migration by hand."""
    services, database = _found(database_id, Change)
    try:
        administration.seed(services, database)
    except CoppiceError as error:
        return ask_to_seed(database_id, error)
    is_dev = database.subject.environment is Environment.DEV
    return _back(services, database, "seed-dev" if is_dev else "seed")


@pages.get("/delete")
def ask_to_delete(database_id: int, error: CoppiceError | None = None) -> ResponseReturnValue:
    return _ask(database_id, "database_delete.html", error)


@pages.post("/delete")
def delete(database_id: int) -> ResponseReturnValue:
    """Close it; with its name typed into the second form, drop it with its data."""
    services, database = _found(database_id, Lose)
    is_drop = request.form.get("act") == "drop"
    try:
        if is_drop:
            fields.confirm(database.subject.name)
            administration.drop(services, database)
        else:
            administration.delete(services, database)
    except CoppiceError as error:
        return ask_to_delete(database_id, error)
    return _back(services, database, "drop" if is_drop else "delete")


def _ask(database_id: int, template: str, error: CoppiceError | None) -> ResponseReturnValue:
    services, database = _found(database_id, Lose)
    return _page(
        services,
        database,
        template,
        error,
        is_deleted=database.subject.state is DatabaseState.DELETED,
        parent=templates.parent_afresh(services.store, database.subject),
        retention_days=services.retention.days,
    )


def _page(
    services: Services,
    permitted: Permitted[Database, See],
    template: str,
    error: CoppiceError | None,
    **shown: object,
) -> ResponseReturnValue:
    """A question, with what was wrong with the last answer."""
    database = permitted.subject
    back = _page_of(services, database)
    page = render_template(template, database=database, back=back, error=error, **shown)
    return page, fields.status_of(error)


def _found(database_id: int, act: type[Doing]) -> tuple[Services, Permitted[Database, Doing]]:
    services = acting()
    return services, access.database(services, DatabaseId(database_id), act)


def _back(
    services: Services, permitted: Permitted[Database, See], what: str
) -> ResponseReturnValue:
    return done(_page_of(services, permitted.subject), what, of=permitted.subject.id)


def _page_of(services: Services, database: Database) -> str:
    """The page of ours that the person came from, or the one that shows the database."""
    fragment = f"database-{database.id}"
    if "/instances/" in (request.referrer or ""):
        for instance in access.instances_run(services):
            if instance.id == database.instance_id:
                return url_for("dashboard.instances.show", name=instance.name, _anchor=fragment)
    return url_for("dashboard.apps.show", app_id=database.app_id, _anchor=fragment)
