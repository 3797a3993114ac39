"""Making a database from a template, and what a clone does not take along."""

from dataclasses import dataclass, replace

from psycopg.sql import Composed

from app.core.databases import TEMPLATE_MISSING, Template, TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName
from app.postgres import catalog, role_settings, statements
from app.postgres.access import Access
from app.postgres.failures import explained
from app.postgres.sessions import Session

# Below this, writing every page to the log takes less time than the two checkpoints of a copy of
# files; a server that lets the file system share blocks copies files faster.
_MOST_LOGGED_BYTES = 50_000_000
_MOST_LOGGED_BESIDE_CLONES_BYTES = 30_000_000
# A copy of files takes some seconds a gigabyte, and as long as its checkpoints do.
# Less than the lock in the state database lasts that whoever makes a database holds.
_TIME = "4min"

# `clone` also succeeds where the file system only copies, and is not slower there.
# An upgrade of the operating system may have changed how texts are ordered: PostgreSQL then refuses
# to clone, with the SQLSTATE of an internal error.
_LOOK = """
SELECT pg_database_size(oid),
  EXISTS (SELECT FROM pg_settings WHERE name = 'file_copy_method' AND 'clone' = ANY (enumvals)),
  datcollversion IS NOT NULL
    AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid)
FROM pg_database WHERE datname = %s AND datconnlimit <> -2 AND pg_get_userbyid(datdba) = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a template is cloned."""

    size_bytes: int
    has_clones: bool
    """The server can have the file system share blocks, where that can."""

    @property
    def strategy(self) -> str:
        most = _MOST_LOGGED_BESIDE_CLONES_BYTES if self.has_clones else _MOST_LOGGED_BYTES
        return "wal_log" if self.size_bytes <= most else "file_copy"


def clone(access: Access, database: TenantDatabase, template: Template) -> None:
    """Make the database from its template; closed, as any that is made.

    Raises:
        ProvisioningFailed: There is no such template any more.
        ServerBusy: Somebody is in it.
    """
    with (
        explained("Cloning its template"),
        access.inside(DatabaseName(access.admin.maintenance_database)) as session,
    ):
        way = _look(session, template)
        settings = {"statement_timeout": _TIME}
        if way.has_clones:
            settings["file_copy_method"] = "clone"
        changes = [statements.set_for_session(*setting) for setting in settings.items()]
        session.execute(statements.together(changes))
        session.execute(statements.create_database(database, strategy=way.strategy))


def inherited(session: Session, database: TenantDatabase) -> list[Composed]:
    """Statements that give the login of a new clone what its template's login begins with.

    None once the clone has its mark: what is set since is its own.
    """
    template = database.template
    if template is None or not _is_new(session, database):
        return []
    _look(session, template)
    there = replace(database, name=template.name)
    found = role_settings.in_effect(role_settings.read(session, template.login_role, there))
    return [
        role_settings.give(database.login_role, database, replace(one, is_in_database=True))
        for one in found
    ]


def _is_new(session: Session, database: TenantDatabase) -> bool:
    facts = catalog.read_our_database(session, database)
    return facts is not None and facts.marker is None


def _look(session: Session, template: Template) -> Way:
    row = session.execute(_LOOK, [template.name, template.owner_role]).fetchone()
    if row is None or row[0] is None:
        raise _unusable(f"The template {template.name} is no longer on the server.")
    size_bytes, has_clones, is_outdated = row
    if is_outdated:
        raise _unusable(
            f"The server orders texts differently since the template {template.name} was made."
        )
    return Way(size_bytes=size_bytes, has_clones=has_clones)


def _unusable(message: str) -> ProvisioningFailed:
    return ProvisioningFailed(
        message,
        advice="A run on the default branch makes a new template; then use Fix.",
        code=TEMPLATE_MISSING,
    )
