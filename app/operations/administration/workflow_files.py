"""The workflow of an app: the whole file to copy, and what a further app asks of the others."""

from app.core.assignments import Assignment
from app.core.instances import Instance
from app.core.reach import is_for_this_machine_only
from app.core.repositories import Repository
from app.core.workflow_file import WorkflowFile
from app.operations.services import Services


def workflow_of(
    services: Services, assignment: Assignment, repository: Repository, instance: Instance
) -> WorkflowFile:
    """The workflow file of an assigned app, from what is known now."""
    app = assignment.app
    return WorkflowFile(
        action=services.action,
        service_url=services.public_url,
        app_id=app.id,
        is_first_app=app.has_bare_checks,
        needs_app=len(services.apps.of_repository(repository.id)) > 1,
        migration_command=assignment.migration_command,
        production_environment=assignment.policies.production_environment,
        default_branch=repository.default_branch,
        is_for_this_machine_only=is_for_this_machine_only(instance),
    )
