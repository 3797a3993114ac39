"""The shared fixtures keep what they promise."""

import psycopg
import pytest

from app.core.instances import AdminLogin
from app.postgres.sessions import admin_login, connect


@pytest.mark.parametrize("turn", range(3))
def test_each_test_gets_an_empty_state_database(state_dsn: str, turn: int) -> None:
    with psycopg.connect(state_dsn) as connection:
        connection.execute("INSERT INTO coppice.deliveries VALUES ('a', 'push', '', 1, 'nothing')")
        rows = connection.execute("SELECT count(*) FROM coppice.deliveries").fetchone()

    assert rows == (1,), turn


def test_the_admin_of_tenants_is_no_superuser(postgres_admin: AdminLogin) -> None:
    with connect(admin_login(postgres_admin)) as session:
        row = session.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert row == (False, True, True)
