"""Making a database ready to be sealed as a template.

A clone shares its template's blocks until they are changed, and reading a row that is not frozen
changes its page. And whatever names a role of the template would name it in every clone.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Timer

import psycopg

from app.core.databases import TenantDatabase
from app.core.errors import CoppiceError, ProvisioningFailed
from app.postgres import catalog, handing_over, statements
from app.postgres.access import Access
from app.postgres.failures import explained
from app.postgres.sealing import evict_logins
from app.postgres.sessions import Session

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 2.0

_LEFT = """
SELECT count(*) FROM pg_shdepend JOIN pg_roles ON pg_roles.oid = refobjid
WHERE refclassid = 'pg_authid'::regclass AND rolname = ANY (%s)
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_TABLES = """
SELECT format('ANALYZE %I.%I', nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'm', 'p') AND relpersistence <> 't' AND nspname <> 'pg_catalog'
ORDER BY 1
"""


def shut_out_logins(access: Access, database: TenantDatabase) -> None:
    """Let no login in any more; the service may still go inside.

    Raises:
        ProvisioningFailed: What is inside belongs to the login: it could be taken by nobody.
    """
    if database.data_role is None:
        raise ProvisioningFailed(
            f"{database.name} belongs to its own login and can be no template.",
            advice="A database that is made anew belongs to the data role of its app.",
            code="template_not_handed_over",
        )
    with access.session("Ending its logins") as session:
        evict_logins(session, database)


def take_all(access: Access, database: TenantDatabase) -> None:
    """Let nothing inside belong to a login, or name one."""
    problem, before = None, None
    with explained("Taking what its logins own"):
        while (left := _left_to_logins(access, database)) and left != before:
            problem, before = handing_over.take_from_login(access, database, is_last=True), left
    if left:
        raise ProvisioningFailed(
            f"{left} things in {database.name} could not be taken from its logins: {problem}",
            advice="pg_shdepend in that database says which they are.",
            code="template_not_handed_over",
        )


def freeze(access: Access, database: TenantDatabase, *, within_seconds: float) -> None:
    """Analyze all tables, then freeze all rows, those of the statistics too.

    As the role that owns the database: it may do this with every table, and nothing else. Functions
    in an index run as who owns the table, and can change no role.
    """
    with (
        explained("Freezing the database"),
        access.inside(database.name) as session,
        _ended_after(access, session, seconds=within_seconds),
    ):
        limit = statements.set_for_session("statement_timeout", f"{within_seconds}s")
        as_owner = statements.set_role(database.owner_role)
        session.execute(statements.together([limit, as_owner]))
        if not _is_analyzed(session, "ANALYZE"):
            _analyze_each(session, database)
            session.execute(as_owner)
        session.execute("VACUUM (FREEZE)")


def _left_to_logins(access: Access, database: TenantDatabase) -> int:
    with explained("Looking at what its logins own"), access.inside(database.name) as session:
        row = session.execute(_LEFT, [catalog.logins(session, database)]).fetchone()
        return 0 if row is None else int(row[0])


def _analyze_each(session: Session, database: TenantDatabase) -> None:
    """Each table by itself, as a function in an index of one has failed: the others go on.

    As who owns them, for it takes a right on their schemas to call them by name.
    """
    session.execute(statements.set_role(database.inner_owner))
    for (statement,) in session.execute(_TABLES).fetchall():
        if not _is_analyzed(session, statement):
            _log.warning("%s: no statistics, as this fails: %r", database.name, statement)


def _is_analyzed(session: Session, statement: str) -> bool:
    try:
        session.execute(statement.encode())
    except psycopg.OperationalError:
        raise
    except psycopg.DatabaseError:
        return False
    return True


@contextmanager
def _ended_after(access: Access, session: Session, *, seconds: float) -> Iterator[None]:
    """End the session when the time is over: a function can catch a statement's timeout.

    Raises ProvisioningFailed when that has happened.
    """
    is_over, is_done = Event(), Event()
    timer = Timer(seconds, _end, [access, session.info.backend_pid, is_over, is_done])
    timer.daemon = True
    timer.start()
    try:
        yield
    except psycopg.OperationalError as error:
        if not is_over.is_set() and not isinstance(error, psycopg.errors.QueryCanceled):
            raise
        raise ProvisioningFailed(
            f"Freezing took more than {seconds:.0f} s.",
            advice="Look for a function in an index, or in statistics, that takes long or waits.",
            code="freeze_too_long",
        ) from error
    finally:
        is_done.set()
        timer.cancel()


def _end(access: Access, pid: int, is_over: Event, is_done: Event) -> None:
    is_over.set()
    while not is_done.is_set():
        with suppress(CoppiceError), access.session("Ending what takes too long") as session:
            session.execute("SELECT pg_terminate_backend(%s)", [pid])
        is_done.wait(_PAUSE_SECONDS)
