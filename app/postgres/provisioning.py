"""Making a database: steps that may each be repeated, and after any of which we may die."""

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.postgres import allowances, catalog, cloning, role_settings, statements
from app.postgres.access import Access
from app.postgres.eviction import alter_logins, change_row, in_short, overtaken_if_gone
from app.postgres.extensions import create_extensions
from app.postgres.failures import explained
from app.postgres.fencing import fenced
from app.postgres.sealing import put_aside
from app.postgres.sessions import Session


def make_roles(access: Access, database: TenantDatabase) -> None:
    """Make the owner and the login, both without the right to log in so far, and the data role.

    That one is there already where its app has another database on the server.
    """
    owner, login, shared = database.owner_role, database.login_role, database.data_role
    wanted = [owner, login] if shared is None else [owner, login, shared]
    with access.session("Making its roles") as session:
        existing = catalog.existing_roles(session, wanted)
        create = [statements.create_role(role) for role in wanted if role not in existing]
        change = [statements.become(login)]
        if shared is not None:
            change += [statements.become(shared), statements.arm(login, with_rights_of=shared)]
        session.execute(statements.together([*create, fenced(database, change)]))


def make_database(access: Access, database: TenantDatabase) -> None:
    """Make the database, closed to everybody; clear away one that was half dropped."""
    with access.session("Creating the database") as session:
        facts = catalog.read_our_database(session, database)
        if facts is not None and facts.is_half_dropped:
            # Aside first: that is refused to an earlier holder, and DROP is not.
            aside = put_aside(session, database, facts)
            session.execute(statements.drop_database(aside))
            facts = None
        if facts is None:
            # As near as it gets: CREATE DATABASE is never part of a transaction. What an earlier
            # holder makes all the same is closed, and whoever comes next goes on with it.
            # Settings that a tenant kept were for what stood here before.
            forget = role_settings.forget(database.login_role)
            session.execute(fenced(database, [forget]))
            if database.template is None:
                session.execute(statements.create_database(database))
            else:
                cloning.clone(access, database, database.template)


def open_database(access: Access, database: TenantDatabase) -> None:
    """Let in the login and nobody else; in the order in which nobody else ever could."""
    with access.session("Granting its rights") as session:
        change_row(session, database, lambda: _open(session, database))


def _open(session: Session, database: TenantDatabase) -> None:
    with session.transaction():
        session.execute(in_short(database, ()))
        facts = catalog.read_our_database(session, database)
        session.execute(statements.revoke_from_public(database))
        allowed = allowances.allowance(session, database).connections
        session.execute(statements.limit_connections(database.name, connections=allowed.database))
        catalog.check_confined(session, database)
        if facts is not None and not facts.is_open:
            session.execute(statements.allow_connections(database.name))


def limit_connections(access: Access, database: TenantDatabase) -> None:
    """So many at once from now on, of the database and its logins; sessions that are open go on."""
    with access.session("Limiting its connections") as session:
        allowed = allowances.allowance(session, database).connections
        limit = statements.limit_connections(database.name, connections=allowed.database)
        limited = in_short(database, [limit])
        change_row(session, database, lambda: session.execute(limited))
        login, *jobs = catalog.logins(session, database)
        change = [
            statements.limit_login(login, connections=allowed.login),
            *(statements.limit_login(job, connections=allowed.job) for job in jobs),
        ]
        with overtaken_if_gone(session, jobs):
            alter_logins(session, database, change)


def set_up_schema(access: Access, database: TenantDatabase) -> None:
    """Give the schema to who owns what is inside, make the extensions and set the marker."""
    with explained("Preparing the database"), access.inside(database.name) as session:
        with session.transaction():
            # First, because its lock makes whoever does the same wait for the end of this.
            session.execute(fenced(database, []))
            # Together with the mark: without that it was not finished.
            inherited = cloning.inherited(session, database)
            session.execute(statements.together([*inherited, statements.mark(database)]))
            if _is_public_untouched(session):
                session.execute(statements.give_public(to=database.inner_owner))
                _check_schema(session, database)
        create_extensions(session, database)


def _is_public_untouched(session: Session) -> bool:
    """Whether `public` is as the template had it; a tenant may have dropped or replaced it."""
    return bool(
        session.execute(
            "SELECT FROM pg_namespace"
            " WHERE nspname = 'public' AND pg_get_userbyid(nspowner) = 'pg_database_owner'"
        ).rowcount
    )


def _check_schema(session: Session, database: TenantDatabase) -> None:
    is_right = session.execute(
        "SELECT FROM pg_namespace WHERE nspname = 'public' AND pg_get_userbyid(nspowner) = %s"
        " AND NOT EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = 0)",
        [database.inner_owner],
    ).rowcount
    if not is_right:
        raise ProvisioningFailed(
            f"The schema public of {database.name} could not be given to"
            f" {database.inner_owner} alone.",
            advice="Find out what keeps its grants from changing: an event trigger, say.",
            code="grants_wrong",
        )
