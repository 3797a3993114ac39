"""Extensions that an assignment asks for."""

from collections.abc import Sequence

from psycopg import errors
from psycopg.sql import SQL, Composed, Identifier

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.extensions import Available, Wanted, parse_all, schema_for, with_requirements
from app.postgres import statements
from app.postgres.sessions import Session

_AVAILABLE = """
SELECT name::text, trusted AS is_trusted, schema::text, coalesce(requires, '{}')::text[] AS requires
FROM pg_available_extensions JOIN pg_available_extension_versions USING (name)
WHERE version = default_version ORDER BY 1
"""


def available(session: Session) -> Sequence[Available]:
    """What the server has, as far as this session may look: see `vouched`."""
    rows = session.execute(_AVAILABLE)
    return [
        Available(name=name, is_trusted=is_trusted, schema=schema, requires=tuple(requires))
        for name, is_trusted, schema, requires in rows
    ]


def create_extensions(session: Session, database: TenantDatabase) -> None:
    """Make those that are missing, and what they require; one that is there stays where it is.

    What its migrations may make themselves (a trusted extension) is made as who owns what is
    inside, so that it belongs to it and they may comment on it; the rest as the service.

    Raises:
        ProvisioningFailed: The server lacks one, or only a superuser may make it.
    """
    if not database.extensions:
        return
    known = {one.name: one for one in available(session)}
    there = {name for (name,) in session.execute("SELECT extname::text FROM pg_extension")}
    for wanted in with_requirements(parse_all(database.extensions), known):
        if wanted.name in there:
            continue
        if wanted.name not in known:
            raise ProvisioningFailed(
                f"The server does not have the extension {wanted.name}.",
                advice="Install it on the server, or take it out of the assignment's extensions.",
                code="extension_missing",
            )
        _create(session, database, wanted, known[wanted.name])


def creation(name: str, *, schema: str | None) -> Composed:
    """With what it requires; without a schema it goes where its control file says."""
    place = [] if schema is None else [SQL(" SCHEMA {}").format(Identifier(schema))]
    create = SQL("CREATE EXTENSION IF NOT EXISTS {}").format(Identifier(name))
    return Composed([create, *place, SQL(" CASCADE")])


def _create(
    session: Session, database: TenantDatabase, wanted: Wanted, available: Available
) -> None:
    schema = schema_for(wanted, available)
    as_owner = statements.set_role(database.inner_owner)
    statement = creation(wanted.name, schema=schema)
    if schema is not None:
        _as(session, as_owner, statements.create_schema(schema))
    try:
        _as(session, as_owner if available.is_trusted else None, statement)
    except errors.InsufficientPrivilege as error:
        raise ProvisioningFailed(
            f"Only a superuser of the server may make the extension {wanted.name}.",
            advice=(
                f"Run this as a superuser in the database {database.name}, then use Fix:"
                f" {statement.as_string(session)};"
            ),
            code="extension_refused",
        ) from error
    except errors.UndefinedFile as error:
        raise ProvisioningFailed(
            f"The server lacks a file or library that the extension {wanted.name} needs.",
            advice="Its log names it. Install it on the server, or take the extension out of the"
            " assignment.",
            code="extension_missing",
        ) from error


def _as(session: Session, role: Composed | None, statement: Composed) -> None:
    with session.transaction():
        if role is not None:
            session.execute(role)
        session.execute(statement)
        session.execute("RESET ROLE")
