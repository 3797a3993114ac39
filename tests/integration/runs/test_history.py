"""What happened is kept for a while, and what still counts for as long as it does."""

import pytest

from app.operations.databases.housekeeping import forget_history
from tests.integration.runs.shop import Shop, can_log_in


def numbers(shop: Shop) -> list[int]:
    return [row["id"] for row in shop.state("SELECT id FROM runs ORDER BY id")]


@pytest.mark.usefixtures("production_and_preview")
def test_old_runs_are_forgotten_with_their_logs_but_not_the_last_of_a_database(shop: Shop) -> None:
    first, last = shop.job().begun(), shop.job().begun()
    for job in (first, last):
        job.migrate("preview")
        job.migrate("production")
    asked = shop.job().begun()
    shop.world.pass_time(days=91)

    forget_history(shop.services)

    assert asked.id > last.id
    assert numbers(shop) == [last.id]
    assert shop.state("SELECT DISTINCT run_id FROM migrations") == [{"run_id": last.id}]
    assert shop.state("SELECT id FROM checks") == []


@pytest.mark.usefixtures("production_and_preview")
def test_a_run_of_this_month_is_kept(shop: Shop) -> None:
    job = shop.job().begun()
    shop.world.pass_time(days=30)

    forget_history(shop.services)

    assert numbers(shop) == [job.id]


def test_a_run_that_holds_something_is_kept_however_old_it_is(shop: Shop) -> None:
    shop.push("x")
    holding, exported = shop.job("x").begun(), shop.job("x").begun(migrate=False, export_env=True)
    holding.given("branch")
    variables = exported.given("branch")
    shop.world.pass_time(days=91)

    forget_history(shop.services)

    assert numbers(shop) == [holding.id, exported.id]
    assert can_log_in(variables)
