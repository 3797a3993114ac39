"""The long-lived login of a database, for runs that ask for it and for people."""

from app.core.databases import Database
from app.operations.databases.provisioning import password_of, server_of, tenant_of
from app.operations.databases.standing import losses_noted
from app.operations.runs import pooling
from app.operations.runs.credentials import Credentials, need_unchanged
from app.operations.services import Services


def issue(services: Services, database: Database) -> Credentials:
    """The long-lived login, made good again and checked against the marker. Raises as
    `credentials.issue`."""
    # So that nobody replaces the password meanwhile: the old one would come back.
    with services.store.databases.exclusively(database.id) as held:
        need_unchanged(held, database)
        password = password_of(services, held)
        with losses_noted(services, held):
            server_of(services, held).issue(tenant_of(services.store, held), password=password)
    problem = pooling.problem_of(services, held, user=held.login_role, password=password)
    return credentials_of(services, held, password, pooler_problem=problem)


def credentials_of(
    services: Services, database: Database, password: str, *, pooler_problem: str | None
) -> Credentials:
    """Once it was made good."""
    return Credentials(
        database=database,
        instance=services.instance_of(database),
        user=database.login_role,
        password=password,
        is_pooled=pooler_problem is None,
        outlives_run=True,
        pooler_problem=pooler_problem,
        accelerate_url=services.store.databases.accelerate_url(database.id),
    )
