"""The API for apps: which repository has its databases where, and by what rules."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from flask_openapi3.models.tag import Tag
from pydantic import Field

from app.core.assignments import Policies
from app.core.identifiers import AppId
from app.core.people import Manage, See
from app.core.rules import changed
from app.operations import access
from app.operations.administration import assignments, local_work, workflow_files
from app.operations.apps import KnownApp
from app.operations.pull_requests.heads import open_heads
from app.operations.services import Services
from app.web.api.app_models import (
    AppDetail,
    AppList,
    AppShown,
    AssignApp,
    EditApp,
    OfApp,
    PullRequestPage,
    PullRequestShown,
    WorkflowShown,
)
from app.web.api.shapes import (
    ERRORS,
    PERSON,
    Answered,
    Page,
    Part,
    Query,
    Text,
    cut,
    page_of,
)
from app.web.identity import acting

api = Part(
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
    """List the assigned apps that you may see."""
    services = acting()
    found = [
        one
        for one in access.apps(services)
        if query.repository is None
        # GitHub's names differ only in case for nobody.
        or query.repository.lower() == one.repository.full_name.lower()
    ]
    return AppList(items=_all_shown(services, found)).model_dump()


@api.post("", responses={201: AppShown})
def assign(body: AssignApp) -> Answered:
    """Give a repository databases on an instance; a worker makes them."""
    services = acting()
    what = access.to_assign(services, body.repository, AppId(body.app) if body.app else None)
    assigned = assignments.assign(
        services,
        what,
        access.instance(services, body.instance, See),
        migration_command=body.migration_command,
        policies=changed(Policies(), body.policies.given() if body.policies else {}),
    )
    return _shown(services, assigned).model_dump(), 201


@api.get("/<app>", responses={200: AppDetail})
def show(path: OfApp) -> dict[str, Any]:
    """Show one app, also one whose assignment has ended: its databases may still be there."""
    services = acting()
    shown = _shown(services, access.known_app(services, AppId(path.app), See).subject)
    last_command = local_work.last_command(services.store, AppId(path.app))
    return AppDetail(**shown.model_dump(), last_command=last_command).model_dump()


@api.get("/<app>/workflow", responses={200: WorkflowShown})
def workflow(path: OfApp) -> dict[str, Any]:
    """Show the workflow that migrates the app's databases, as a whole file to copy."""
    services = acting()
    assigned = access.app(services, AppId(path.app), See).subject
    found = workflow_files.workflow_of(services, assigned)
    remark = workflow_files.beside_others(services.store, assigned.app)
    return WorkflowShown(path=found.path, text=found.text, remark=remark).model_dump()


@api.get("/<app>/pull-requests", responses={200: PullRequestPage})
def pull_requests(path: OfApp, query: Page) -> dict[str, Any]:
    """List the open pull requests of an app's repository, with the database of each head."""
    services = acting()
    known = access.known_app(services, AppId(path.app), See).subject
    heads = open_heads(
        services.store, known.repository, services.store.databases.all(app_id=known.app.id)
    )
    part = page_of(heads, query, id_of=lambda one: one.pull_request.number)
    shown, following = cut(part, query, id_of=lambda one: one.pull_request.number)
    url = f"{services.github_url}/{known.repository.full_name}"
    items = [PullRequestShown.of(one, repository_url=url) for one in shown]
    return PullRequestPage(items=items, next=following).model_dump()


@api.patch("/<app>", responses={200: AppShown})
def edit(path: OfApp, body: EditApp) -> dict[str, Any]:
    """Change the migration command or the rules."""
    services = acting()
    assigned = access.app(services, AppId(path.app), Manage)
    before = assigned.subject.assignment
    assignments.edit(
        services,
        assigned,
        migration_command=body.migration_command,
        policies=changed(before.policies, body.policies.given()) if body.policies else None,
    )
    return _shown(services, access.known_app(services, AppId(path.app), See).subject).model_dump()


@api.delete("/<app>", responses={204: None})
def remove(path: OfApp) -> Answered:
    """End the assignment; the databases stay on the instance."""
    services = acting()
    assignments.remove(services, access.app(services, AppId(path.app), Manage))
    return "", 204


def _shown(services: Services, known: KnownApp) -> AppShown:
    [shown] = _all_shown(services, [known])
    return shown


def _all_shown(services: Services, apps: Sequence[KnownApp]) -> list[AppShown]:
    """Read together, but for the limits, which are read once for each instance."""
    counts = services.store.apps.database_states([known.app.id for known in apps], only_live=True)
    limits_of = cache(services.store.limits.of)
    return [
        AppShown.of(
            known,
            limits=limits_of(known.instance.id) if known.instance else None,
            databases=sum(counts.get(known.app.id, {}).values()),
        )
        for known in apps
    ]
