"""Connections to the state database when its server goes away and comes back."""

from contextlib import ExitStack

import psycopg
import pytest
from psycopg import sql

from app.store.connection import StateUnavailable, open_pool
from app.store.locks import exclusively

CONNECTIONS = 5


def test_one_broken_connection_is_the_last_that_fails_somebody(state_dsn: str) -> None:
    pool = open_pool(state_dsn)
    try:
        with ExitStack() as all_at_once:
            used = [
                all_at_once.enter_context(pool.connection()).info.backend_pid
                for _ in range(CONNECTIONS)
            ]
        with psycopg.connect(state_dsn, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s) pid", [used])

        with pytest.raises(StateUnavailable), pool.connection() as connection:
            connection.execute("SELECT 1")
        for _ in range(CONNECTIONS):
            with pool.connection() as connection:
                connection.execute("SELECT 1")
    finally:
        pool.close()


def test_a_lock_outlasts_what_the_database_allows_idle_transactions(state_dsn: str) -> None:
    with psycopg.connect(state_dsn, autocommit=True) as other:
        setting = sql.SQL("ALTER DATABASE {} SET idle_in_transaction_session_timeout = '10ms'")
        other.execute(setting.format(sql.Identifier(other.info.dbname)))
        pool = open_pool(state_dsn)
        try:
            with exclusively(pool, "database", 1):
                other.execute("SELECT pg_sleep(0.2)")
                held = other.execute(
                    "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state = 'idle in transaction' AND query LIKE 'INSERT INTO locks %'"
                ).rowcount
        finally:
            pool.close()

    assert held
