"""Making a cluster of our own fit for tenants: what a DBA is asked for elsewhere."""

from dataclasses import replace
from pathlib import Path

from psycopg import sql

from app.core.identifiers import RoleName
from app.core.instances import AdminLogin, ServerHere
from app.postgres import vouched
from app.postgres.passwords import new_password, scram_verifier
from app.postgres.sessions import Session, admin_login, connect

ADMIN_ROLE = RoleName("coppice_admin")

# Otherwise every login of the cluster may connect to these two.
_CLOSE_TO_TENANTS = (
    "REVOKE CONNECT, TEMPORARY ON DATABASE postgres FROM PUBLIC",
    "REVOKE CONNECT, TEMPORARY ON DATABASE template1 FROM PUBLIC",
)
_GRANTS = (
    "GRANT CONNECT ON DATABASE postgres TO {role}",
    "GRANT pg_signal_backend TO {role}",
    "GRANT pg_use_reserved_connections TO {role}",
    "GRANT SET ON PARAMETER temp_file_limit TO {role}",
)


def prepare_tenant_cluster(superuser: AdminLogin) -> AdminLogin:
    """Make the role that administers tenants, which is no superuser, and return its login.

    May be repeated; every call sets a new password, so store what the last one returned.
    """
    password = new_password()
    with connect(admin_login(superuser)) as session, session.transaction():
        for statement in _CLOSE_TO_TENANTS:
            session.execute(statement)
        _make_admin(session, password=password)
        for grant in _GRANTS:
            session.execute(sql.SQL(grant).format(role=sql.Identifier(ADMIN_ROLE)))
        _show_vouched_extensions(session)
    return replace(superuser, user=ADMIN_ROLE, password=password)


def server_here(name: str, superuser: AdminLogin) -> ServerHere:
    """What stands there: databases that are not PostgreSQL's own, and which cluster it is."""
    with connect(admin_login(superuser)) as session:
        rows = session.execute(
            "SELECT datname::text FROM pg_database"
            " WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"
        ).fetchall()
        [(identifier,)] = session.execute(
            "SELECT system_identifier::text FROM pg_control_system()"
        ).fetchall()
    return ServerHere(
        name=name,
        databases=[row[0] for row in rows],
        port=superuser.address.port,
        system_identifier=identifier,
    )


def _make_admin(session: Session, *, password: str) -> None:
    # One at a time: two processes may prepare the same cluster.
    session.execute("SELECT pg_advisory_xact_lock(hashtextextended('coppice_admin', 0))")
    exists = session.execute("SELECT FROM pg_roles WHERE rolname = %s", [ADMIN_ROLE]).rowcount
    verb = sql.SQL("ALTER" if exists else "CREATE")
    # Iterations make a guess cost more; nobody guesses a random password of 238 bits, and every
    # session of the service would pay for them.
    verifier = scram_verifier(password, iterations=1)
    session.execute(
        sql.SQL(
            "{verb} ROLE {role} LOGIN CREATEDB CREATEROLE NOSUPERUSER NOREPLICATION NOBYPASSRLS"
            " PASSWORD {verifier}"
        ).format(verb=verb, role=sql.Identifier(ADMIN_ROLE), verifier=sql.Literal(verifier))
    )


def _show_vouched_extensions(session: Session) -> None:
    row = session.execute("SELECT current_setting('data_directory')").fetchone()
    if row is None or session.info.server_version // 10_000 < vouched.FIRST_MAJOR:
        return
    session.execute(
        sql.SQL("ALTER ROLE {role} SET extension_control_path = {path}").format(
            role=sql.Identifier(ADMIN_ROLE),
            path=sql.Literal(vouched.control_path(Path(row[0]).parent)),
        )
    )
