"""The workflow of an app: the whole file to copy, and what a further app asks of the others."""

from app.core.assignments import App
from app.core.reach import is_for_this_machine_only
from app.core.workflow_file import WorkflowFile, app_line
from app.operations.apps import Assigned
from app.operations.services import Services
from app.store.store import Store


def workflow_of(services: Services, assigned: Assigned) -> WorkflowFile:
    """The workflow file of an assigned app, from what is known now."""
    app, assignment, repository = assigned.app, assigned.assignment, assigned.repository
    return WorkflowFile(
        action=services.action,
        service_url=services.public_url,
        app_id=app.id,
        is_first_app=app.has_bare_checks,
        needs_app=len(services.store.apps.of_repository(repository.id)) > 1,
        migration_command=assignment.migration_command,
        production_environment=assignment.policies.production_environment,
        default_branch=repository.default_branch,
        is_for_this_machine_only=is_for_this_machine_only(assigned.instance),
    )


def beside_others(store: Store, app: App) -> str | None:
    """What people have to know of workflows where a repository has several apps; None: nothing.

    A workflow that names none was written for the first, and goes on to mean that: also when the
    first is not assigned any more.
    """
    assigned = [one.app for one in store.apps.assignments(repository_id=app.repository_id)]
    known = store.apps.of_repository(app.repository_id)
    first = next((one for one in known if one.has_bare_checks), None)
    if first is None or assigned == [first]:
        return None
    if first not in assigned:
        return (
            f"The repository's first app, {first.id}, is not assigned any more, so a workflow that"
            f" names none is refused; one for {app.id} says `{app_line(app.id)}` below `with:`."
        )
    return (
        f"The repository has several apps. A workflow that names none means the first, {first.id};"
        f" one for {app.id} says `{app_line(app.id)}` below `with:`."
    )
