"""The API for apps: which repository has its databases where, and by what rules."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field

from app.core.people import Act
from app.operations.administration import assignments
from app.operations.administration.assignments import Assigned
from app.operations.services import Services
from app.web import sight
from app.web.api.app_models import AppList, AppShown, AssignApp, EditApp, OfApp
from app.web.api.shapes import ERRORS, PERSON, Answered, Query, Text
from app.web.identity import acting

api = APIBlueprint(
    "apps",
    __name__,
    url_prefix="/api/v1/apps",
    abp_tags=[Tag(name="apps", description="Repositories that have databases")],
    abp_security=PERSON,
    abp_responses=ERRORS,
)


class WhichApps(Query):
    """Which apps to list."""

    repository: Text | None = Field(None, max_length=201, description="Only those of OWNER/REPO")


@api.get("", responses={200: AppList})
def list_(query: WhichApps) -> dict[str, Any]:
    """List the apps that you may see."""
    services = acting()
    items = [
        _shown(services, one)
        for one in sight.apps(services)
        if query.repository in (None, one.repository.full_name)
    ]
    return AppList(items=items).model_dump()


@api.post("", responses={201: AppShown})
def assign(body: AssignApp) -> Answered:
    """Give a repository databases on an instance; a worker makes them."""
    services = acting()
    sight.repository_to_assign(services, body.repository, body.app)
    sight.instance(services, body.instance)
    return _shown(services, assignments.assign(services, body.to_request())).model_dump(), 201


@api.get("/<app>", responses={200: AppShown})
def show(path: OfApp) -> dict[str, Any]:
    """Show one app."""
    services = acting()
    return _shown(services, sight.app(services, path.app)).model_dump()


@api.patch("/<app>", responses={200: AppShown})
def edit(path: OfApp, body: EditApp) -> dict[str, Any]:
    """Change the migration command or the rules."""
    services = acting()
    assigned = sight.app(services, path.app, Act.MANAGE)
    before = assigned.assignment
    assignments.edit(
        services,
        before,
        migration_command=body.migration_command,
        policies=body.policies.put_into(before.policies) if body.policies else None,
    )
    return _shown(services, sight.app(services, path.app)).model_dump()


@api.delete("/<app>", responses={204: None})
def remove(path: OfApp) -> Answered:
    """End the assignment; the databases stay on the instance."""
    services = acting()
    assignments.remove(services, sight.app(services, path.app, Act.MANAGE).assignment)
    return "", 204


def _shown(services: Services, assigned: Assigned) -> AppShown:
    databases = services.databases.all(app_id=assigned.assignment.app.id)
    return AppShown.of(assigned, databases=len([one for one in databases if one.is_live]))
