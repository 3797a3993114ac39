"""A database that is not ready when a job asks is made, fixed or restored while it waits."""

import pytest
from psycopg import connect
from psycopg.sql import SQL, Identifier

from app.core.databases import DatabaseState
from app.core.instances import AdminLogin
from tests.integration import by_hand, states
from tests.integration.runs.shop import Shop, can_log_in, refusal


def test_a_missing_database_is_made_while_the_job_waits(shop: Shop) -> None:
    shop.github.create_branches(shop.repository, ["quiet"])
    job = shop.job("quiet").begun()

    first = job.ask("branch")
    shop.world.work()

    assert refusal(first) == (409, "creating")
    assert job.ask("branch").status_code == 200


def test_a_database_in_error_is_fixed_while_the_job_waits(shop: Shop) -> None:
    shop.push("x")
    broken = shop.database("branch", "x")
    states.fail(shop.services, broken)
    job = shop.job("x").begun()

    first = job.ask("branch")
    shop.world.work()

    assert refusal(first) == (409, "fixing")
    assert job.ask("branch").status_code == 200


def test_a_deleted_database_is_restored_while_the_job_waits(shop: Shop) -> None:
    shop.push("x")
    shop.job("x").begun().migrate("branch")
    head = shop.github.branch_head(shop.repository, "x")
    shop.github.delete_branch(shop.repository, "x")
    shop.world.settle()
    shop.github.create_branches(shop.repository, ["x"])
    shop.github.force_push(shop.repository, "x", head or "")
    job = shop.job("x").begun()

    first = job.ask("branch")
    shop.world.settle()

    assert refusal(first)[0] == 409
    assert job.ask("branch").status_code == 200


def test_a_database_that_was_deleted_while_frozen_is_restored_as_any_other(shop: Shop) -> None:
    shop.push("x")
    frozen = shop.database("branch", "x")
    states.freeze(shop.services, frozen, reason="Too large.")
    by_hand.delete(shop.services, frozen)
    job = shop.job("x").begun()

    first = job.ask("branch")
    shop.world.settle()

    assert refusal(first) == (409, "restoring")
    assert job.ask("branch").status_code == 200


def test_a_database_that_lost_its_mark_waits_for_a_person(
    shop: Shop, postgres_superuser: AdminLogin
) -> None:
    shop.push("x")
    database = shop.database("branch", "x")
    as_administrator(postgres_superuser, SQL("COMMENT ON DATABASE {} IS NULL"), database.name)
    job = shop.job("x").begun()

    first, found = job.ask("branch"), shop.database("branch", "x")
    again = shop.job("x").begun().ask("branch")
    shop.world.settle()
    left = shop.database("branch", "x")
    by_hand.fix(shop.services, left)

    assert refusal(first)[1] == refusal(again)[1] == "marker_missing"
    assert found.reason_code == left.reason_code == "marker_missing"
    assert shop.job("x").begun().ask("branch").status_code == 200


LOSSES = {
    "marker_missing": SQL("COMMENT ON DATABASE {} IS NULL"),
    "database_missing": SQL("DROP DATABASE {} WITH (FORCE)"),
}


@pytest.mark.parametrize(("code", "lose"), LOSSES.items(), ids=LOSSES.keys())
def test_a_run_whose_database_was_lost_meanwhile_is_over_and_out(
    shop: Shop, postgres_superuser: AdminLogin, code: str, lose: SQL
) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")
    database = shop.database("branch", "x")
    as_administrator(postgres_superuser, lose, database.name)

    reported = job.report("branch")

    after = shop.database("branch", "x")
    assert reported.status_code == 200
    assert (after.state, after.reason_code) == (DatabaseState.ERROR, code)
    assert not can_log_in(variables)
    assert shop.services.store.leases.of(database.id) is None
    assert list(shop.services.store.job_logins.of_database(database.id)) == []


def as_administrator(superuser: AdminLogin, statement: SQL, name: str) -> None:
    address = superuser.address
    with connect(
        host=address.host,
        port=address.port,
        user=superuser.user,
        password=superuser.password,
        dbname="postgres",
        autocommit=True,
    ) as session:
        session.execute(statement.format(Identifier(name)))
