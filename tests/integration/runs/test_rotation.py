"""New passwords for long-lived logins, whatever else goes on."""

from app.core.audit import Action
from app.core.databases import Database, DatabaseState
from app.core.intents import RotatePassword
from app.jobs.retry import MAX_ATTEMPTS
from app.operations.administration import database_requests, databases
from app.operations.runs.credentials import variables
from tests.integration.runs.shop import Shop, can_log_in


def long_lived(shop: Shop, database: Database) -> dict[str, str]:
    return variables(databases.login(shop.services, database, purpose=Action.ENV))


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

    shop.services.queue.add([RotatePassword(database_id=database.id)])
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
    shop.services.queue.add([RotatePassword(database_id=database.id)])
    shop.world.work()

    database_requests.fix(shop.services, database)
    shop.world.work()

    assert shop.database("branch", "x").state is DatabaseState.READY


def test_a_database_that_could_not_be_fixed_lets_nobody_in_with_the_old_password(
    shop: Shop,
) -> None:
    shop.push("x")
    database = shop.database("branch", "x")
    old = long_lived(shop, database)
    shop.services.databases.change(database.id, state=DatabaseState.ERROR, reason="no room")

    shop.services.queue.add([RotatePassword(database_id=database.id)])
    shop.world.work()

    assert not can_log_in(old)
    databases.fix(shop.services, shop.database("branch", "x"))
    assert can_log_in(long_lived(shop, shop.database("branch", "x")))
    assert not can_log_in(old)
