"""Whether a login works through its instance's pooler; migrations do without one."""

from app.core.databases import Database
from app.core.errors import ProvisioningFailed, TransientError
from app.core.identifiers import RoleName
from app.operations.databases.provisioning import server_of, tenant_of
from app.operations.services import Services

# What a pooler answers that does not know the login, or cannot be reached as it should be.
_REFUSALS = {"login_refused", "no_tls"}


def problem_of(
    services: Services,
    database: Database,
    *,
    user: RoleName,
    password: str,
    is_job: bool = False,
) -> str | None:
    """Why the login cannot be used through the pooler at present, for a person.

    None: it can, or there is none that knows it. Raises ProvisioningFailed when the pooler leads to
    another database: that must be seen to.
    """
    instance = services.instance_of(database)
    pooler = instance.pooler_address
    if pooler is None or (is_job and not instance.pooler_knows_job_logins):
        return None
    where = f"The pooler {pooler.host}:{pooler.port}"
    try:
        server_of(services, database).check_marker(
            tenant_of(services.store, database), role=user, password=password, address=pooler
        )
    except TransientError:
        return f"{where} does not answer, so DATABASE_URL_POOLED is left out."
    except ProvisioningFailed as error:
        if error.code not in _REFUSALS:
            raise
        return f"{where} refuses the login, so DATABASE_URL_POOLED is left out."
    return None
