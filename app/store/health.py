"""How the state database is; asked over a connection of its own."""

from dataclasses import dataclass

from app.store.connection import state_connection
from app.store.tables import read


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
    with state_connection(dsn) as connection:
        [row] = connection.execute(
            "SELECT (SELECT count(*) FROM instances) AS instances,"
            " (SELECT count(*) FROM assignments) AS apps,"
            " (SELECT min(name) FROM instances HAVING count(*) = 1) AS only_instance,"
            " EXISTS (SELECT FROM github_app) AS has_github_app"
        ).fetchall()
    return read(SetUp, row)


def state_version(dsn: str) -> str:
    """Which PostgreSQL holds the state. Raises StateUnavailable."""
    with state_connection(dsn) as connection:
        return connection.info.parameter_status("server_version") or "?"
