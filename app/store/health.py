"""How the state database is; asked over a connection of its own."""

from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from app.store.connection import StateUnavailable, state_conninfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What has been set up so far."""

    instances: int
    apps: int
    """Those that are assigned."""
    only_instance: str | None
    """Its name, where there is one alone."""
    has_github_app: bool
    """One was made on the set-up page; the settings may name another."""


def set_up_so_far(dsn: str) -> SetUp:
    """Count instances and assigned apps. Raises StateUnavailable."""
    try:
        with psycopg.connect(state_conninfo(dsn), row_factory=class_row(SetUp)) as connection:
            cursor = connection.execute(
                "SELECT (SELECT count(*) FROM instances) AS instances,"
                " (SELECT count(*) FROM assignments) AS apps,"
                " (SELECT min(name) FROM instances HAVING count(*) = 1) AS only_instance,"
                " EXISTS (SELECT FROM github_app) AS has_github_app"
            )
            return next(iter(cursor))
    except psycopg.OperationalError as error:
        raise StateUnavailable from error


def state_version(dsn: str) -> str:
    """Which PostgreSQL holds the state. Raises StateUnavailable."""
    try:
        with psycopg.connect(state_conninfo(dsn)) as connection:
            return connection.info.parameter_status("server_version") or "?"
    except psycopg.OperationalError as error:
        raise StateUnavailable("The state database does not answer.") from error
