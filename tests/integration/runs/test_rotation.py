"""New passwords for long-lived logins, whatever else goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from app.core.audit import AuditEvent
from app.core.databases import Database, DatabaseState
from app.core.instances import AdminLogin, Instance
from app.core.intents import RotatePassword
from app.core.people import Change, Connect
from app.jobs.retry import MAX_ATTEMPTS
from app.operations import access
from app.operations.administration import databases
from app.operations.databases.rotation import rotate_password
from app.operations.ports.postgres import DatabaseServer
from app.operations.runs.credentials import variables
from app.operations.services import Services
from app.postgres.sessions import admin_login, connect
from tests.integration import by_hand, states
from tests.integration.runs import reaping
from tests.integration.runs.shop import Shop, can_log_in


def long_lived(shop: Shop, database: Database) -> dict[str, str]:
    return variables(
        databases.login(
            shop.services,
            access.database(shop.services, database.id, Connect),
            purpose=AuditEvent.ENV,
        )
    )


def work_through(shop: Shop, *, times: int = 1) -> None:
    """Let a worker do what is due, and then what it put off, so many times."""
    for _ in range(times):
        shop.world.put_retries_forward()
        shop.world.work()


def test_the_old_password_goes_however_long_a_migration_runs(shop: Shop) -> None:
    shop.push("x")
    database = shop.database("branch", "x")
    old = long_lived(shop, database)
    job = shop.job("x").begun()
    job.given("branch")

    shop.services.store.queue.add([RotatePassword(database_id=database.id)])
    work_through(shop, times=MAX_ATTEMPTS + 2)
    assert can_log_in(old)

    job.report("branch")
    work_through(shop)

    assert not can_log_in(old)
    assert can_log_in(long_lived(shop, shop.database("branch", "x")))


def test_a_rotation_that_waits_holds_up_nothing_else(shop: Shop) -> None:
    shop.push("x")
    database = shop.database("branch", "x")
    shop.job("x").begun().given("branch")
    shop.services.store.queue.add([RotatePassword(database_id=database.id)])
    shop.world.work()

    databases.fix(shop.services, access.database(shop.services, database.id, Change))
    shop.world.work()

    assert shop.database("branch", "x").state is DatabaseState.READY


def test_a_database_that_could_not_be_fixed_lets_nobody_in_with_the_old_password(
    shop: Shop,
) -> None:
    shop.push("x")
    old = long_lived(shop, shop.database("branch", "x"))
    database = shop.database("branch", "x")
    states.fail(shop.services, database, reason="no room")

    shop.services.store.queue.add([RotatePassword(database_id=database.id)])
    shop.world.work()

    assert not can_log_in(old)
    by_hand.fix(shop.services, shop.database("branch", "x"))
    assert can_log_in(long_lived(shop, shop.database("branch", "x")))
    assert not can_log_in(old)


class LateServer:
    """A server that does what it is told a little later: others were quicker."""

    def __init__(self, server: DatabaseServer, wait: Callable[[], None]) -> None:
        self._server, self._wait = server, wait

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._server, name)
        if name not in ("issue", "close_job_login", "end_sessions"):
            return act

        def late(*args: Any, **kwargs: Any) -> Any:
            self._wait()
            return act(*args, **kwargs)

        return late


@contextmanager
def rotating(shop: Shop, database: Database) -> Iterator[Services]:
    """Services whose servers hear a password only once a worker has replaced it, or waits."""

    def wait() -> None:
        if not rotation.ident:
            rotation.start()
        while rotation.is_alive() and not shop.state(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND query LIKE 'INSERT INTO locks %'"
        ):
            pass

    def server_for(instance: Instance) -> DatabaseServer:
        server: Any = LateServer(shop.services.server_for(instance), wait)
        return server  # type: ignore[no-any-return]

    rotation = Thread(target=rotate_password, args=[shop.services, database.id])
    yield replace(shop.services, server_for=server_for)
    rotation.join()


def test_who_is_told_the_password_in_the_same_instant_brings_no_old_one_back(shop: Shop) -> None:
    shop.push("x")
    database = shop.database("branch", "x")
    old = long_lived(shop, database)

    with rotating(shop, database) as services:
        databases.login(
            services, access.database(services, database.id, Connect), purpose=AuditEvent.ENV
        )

    assert not can_log_in(old)
    assert can_log_in(long_lived(shop, database))


@pytest.mark.parametrize("credentials", ["job", "runtime"])
def test_a_run_that_ends_in_the_same_instant_brings_no_old_password_back(
    shop: Shop, credentials: str
) -> None:
    shop.push("x")
    database = shop.database("branch", "x")
    old = long_lived(shop, database)
    job = shop.job("x").begun(credentials=credentials)
    job.given("branch")
    shop.world.pass_time(seconds=61)

    with rotating(shop, database) as services:
        reaping.reap(services)
    work_through(shop)

    assert not can_log_in(old)
    assert can_log_in(long_lived(shop, database))


def test_a_database_that_cannot_be_opened_again_says_so_and_is_mended(
    shop: Shop, postgres_superuser: AdminLogin
) -> None:
    shop.push("x")
    database = shop.database("branch", "x")
    with connect(admin_login(postgres_superuser)) as superuser:
        superuser.execute(f'COMMENT ON DATABASE "{database.name}" IS NULL'.encode())

    rotate_password(shop.services, database.id)

    closed = shop.database("branch", "x")
    assert closed.state is DatabaseState.ERROR
    assert "does not carry the mark" in (closed.reason or "")
    shop.world.reconcile()
    by_hand.fix(shop.services, shop.database("branch", "x"))
    assert can_log_in(long_lived(shop, shop.database("branch", "x")))
