"""What is there at the end: rows of the state database, and the catalogs of the servers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

from chaos.ledger import Place
from chaos.site import APPS, Site

_DATABASES = """
    SELECT datname AS name, oid::bigint, pg_get_userbyid(datdba) AS owner,
        datallowconn AS is_open, datconnlimit AS connections,
        shobj_description(oid, 'pg_database') AS comment
    FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'
"""
_ROLES = "SELECT rolname AS name, rolcanlogin AS can_log_in FROM pg_roles"
_SESSIONS = """
    SELECT pid, usename AS role, datname AS database, state, query_start::text AS since
    FROM pg_stat_activity WHERE usename IS NOT NULL AND backend_type = 'client backend'
"""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """One server, without what PostgreSQL and the administrator have there."""

    instance: str
    databases: Mapping[str, Row]
    roles: Mapping[str, Row]
    """Those with names as the service gives them."""
    sessions: Sequence[Row]
    """Of these roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All of it, read when nothing moves any more."""

    rows: Sequence[Row]
    """Of the table of databases, each with the name of its instance; those gone too."""
    job_logins: Sequence[Row]
    jobs: Sequence[Row]
    """Those that are not done."""
    dormant: frozenset[tuple[str, str]]
    """App and branch."""
    catalogs: Mapping[str, Catalog]

    def live(self) -> dict[Place, Row]:
        """The rows that stand for their place now."""
        return {
            place_of(row): row for row in self.rows if row["is_live"] and row["state"] != "gone"
        }

    def standing(self, instance: str) -> dict[str, Row]:
        """Rows of an instance that should have a database, by its name."""
        return {
            row["name"]: row
            for row in self.rows
            if row["instance"] == instance and row["state"] != "gone"
        }


def place_of(row: Row) -> Place:
    """What a row is for."""
    return Place(app=row["app_id"], environment=row["environment"], branch=row["branch"] or "")


def look(site: Site) -> Found:
    """Read everything."""
    with site.state_session() as session:
        rows = _all(
            session,
            "SELECT d.*, i.name AS instance FROM coppice.databases d"
            " JOIN coppice.instances i ON i.id = d.instance_id ORDER BY d.id",
        )
        logins = _all(session, "SELECT id, role, ended_at FROM coppice.job_logins")
        jobs = _all(
            session,
            "SELECT id, task_name, status::text, args, attempts FROM coppice.procrastinate_jobs",
        )
        dormant = _all(session, "SELECT app_id, branch FROM coppice.dormant_branches")
    return Found(
        rows=rows,
        job_logins=logins,
        jobs=jobs,
        dormant=frozenset((row["app_id"], row["branch"]) for row in dormant),
        catalogs={name: _catalog(site, name) for name in site.instances},
    )


def _catalog(site: Site, instance: str) -> Catalog:
    prefixes = tuple(
        f"{app}-{kind}-" for app, where in APPS.items() if where == instance for kind in "ouj"
    )
    with site.instances[instance].connect() as session:
        databases = _all(session, _DATABASES)
        roles = [one for one in _all(session, _ROLES) if one["name"].startswith(prefixes)]
        sessions = [one for one in _all(session, _SESSIONS) if one["role"].startswith(prefixes)]
    return Catalog(
        instance=instance,
        databases={one["name"]: one for one in databases},
        roles={one["name"]: one for one in roles},
        sessions=sessions,
    )


def _all(session: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    with session.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode()).fetchall()
