"""Extensions that an assignment asks for."""

from psycopg import errors

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.postgres import statements
from app.postgres.sessions import Session


def create_extensions(session: Session, database: TenantDatabase) -> None:
    """Make those that are missing, in schema public.

    What the login may make itself (a trusted extension) is made as the login, so that it belongs
    to it; the rest as the service.

    Raises:
        ProvisioningFailed: The server lacks one, or only its administrator may make it.
    """
    if not database.extensions:
        return
    rows = session.execute(
        "SELECT a.name::text, bool_or(v.trusted), bool_or(v.installed)"
        " FROM pg_available_extensions a JOIN pg_available_extension_versions v USING (name)"
        " WHERE a.name = ANY(%s) GROUP BY 1",
        [list(database.extensions)],
    )
    known = {name: (is_trusted, is_there) for name, is_trusted, is_there in rows}
    for name in database.extensions:
        if name not in known:
            raise ProvisioningFailed(
                f"The server does not have the extension {name}.",
                advice="Install it on the server, or take it out of the assignment's extensions.",
                code="extension_missing",
            )
        is_trusted, is_there = known[name]
        if not is_there:
            _create(session, database, name=name, is_trusted=is_trusted)


def _create(session: Session, database: TenantDatabase, *, name: str, is_trusted: bool) -> None:
    statement = statements.create_extension(name)
    try:
        with session.transaction():
            if is_trusted:
                session.execute(statements.set_role(database.login_role))
            session.execute(statement)
            session.execute("RESET ROLE")
    except errors.InsufficientPrivilege as error:
        raise ProvisioningFailed(
            f"Only the server's administrator may make the extension {name}.",
            advice=(
                f"Ask for this, as a superuser in the database {database.name},"
                f" then use Fix: {statement.as_string(session)};"
            ),
            code="extension_refused",
        ) from error
