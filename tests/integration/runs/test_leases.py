"""One migration at a time for each database, and what a lost runner leaves behind."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from app.core.checks import Conclusion
from app.core.errors import Conflict, ServerUnreachable
from app.core.identifiers import DatabaseId
from app.core.people import Lose
from app.core.runs import Lease
from app.operations import access
from app.operations.administration import databases
from app.store.migration_runs import Leases
from tests.integration.runs.reaping import reap
from tests.integration.runs.shop import Job, Shop, can_log_in, query, refusal
from tests.integration.states import with_store


def test_a_second_run_waits_for_the_first(shop: Shop) -> None:
    shop.push("x")
    first, second = shop.job("x").begun(), shop.job("x").begun()
    first.given("branch")

    assert refusal(second.ask("branch")) == (409, "busy")

    first.report("branch")
    assert second.ask("branch").status_code == 200


class TakenMeanwhile:
    """Leases of which one is taken right after the first look."""

    def __init__(self, leases: Leases, job: Job) -> None:
        self._leases = leases
        self._job: Job | None = job

    def of(self, database_id: DatabaseId) -> Lease | None:
        found = self._leases.of(database_id)
        if self._job is not None:
            self._job.given("branch")
            self._job = None
        return found


def test_a_database_that_a_run_gets_in_the_same_instant_is_not_emptied(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    leases = TakenMeanwhile(shop.services.store.leases, job)
    services = with_store(shop.services, leases=leases)

    with pytest.raises(Conflict, match="A migration runs"):
        databases.reset(services, access.database(services, shop.database("branch", "x").id, Lose))
    shop.world.work()

    assert job.renew("branch").status_code == 200
    assert job.report("branch").status_code == 200
    assert shop.database("branch", "x").generation == 1


def test_a_silent_runs_lease_is_taken_over_and_its_login_ended_first(shop: Shop) -> None:
    sha = shop.push("x")
    silent, second = shop.job("x").begun(), shop.job("x").begun()
    variables = silent.given("branch")
    shop.world.pass_time(seconds=61)

    taken = second.ask("branch")

    assert taken.status_code == 200, taken.json
    assert not can_log_in(variables)
    assert refusal(silent.renew("branch")) == (409, "lease_lost")
    assert shop.checks(sha)["migrate (branch)"].conclusion is None  # the second one runs


def test_a_silent_runs_sessions_are_ended_with_the_long_lived_login_too(shop: Shop) -> None:
    shop.push("x")
    silent, second = shop.job("x").begun(credentials="runtime"), shop.job("x").begun()
    variables = silent.given("branch")
    with psycopg.connect(variables["DATABASE_URL"]) as session:
        shop.world.pass_time(seconds=61)

        second.given("branch")

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert can_log_in(variables)


def test_what_a_stopped_command_asked_for_ends_with_the_long_lived_login_too(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(credentials="runtime")
    variables = job.given("branch")
    with psycopg.connect(variables["DATABASE_URL"]) as session:
        job.report("branch", "timed-out")

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert can_log_in(variables)


def test_applications_keep_their_sessions_after_a_command_that_ended(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(credentials="runtime")
    variables = job.given("branch")
    with psycopg.connect(variables["DATABASE_URL"]) as session:
        job.report("branch", "failure")

        assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_run_that_renews_keeps_its_lease(shop: Shop) -> None:
    shop.push("x")
    first, second = shop.job("x").begun(), shop.job("x").begun()
    first.given("branch")
    for _ in range(3):
        shop.world.pass_time(seconds=45)
        assert first.renew("branch").json == {"lease_seconds": 60}

    assert refusal(second.ask("branch")) == (409, "busy")


def test_a_lease_that_ran_out_unnoticed_comes_back_to_life(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    job.given("branch")
    shop.world.pass_time(seconds=90)

    assert job.renew("branch").status_code == 200


def test_the_reaper_closes_what_a_lost_runner_left(shop: Shop) -> None:
    sha = shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")
    shop.world.pass_time(seconds=61)

    reap(shop.services)

    check = shop.checks(sha)["migrate (branch)"]
    assert (check.conclusion, check.title) == (Conclusion.FAILURE, "The runner went away")
    assert not can_log_in(variables)
    assert shop.services.store.leases.expired(shop.services.clock()) == []


def test_the_reaper_leaves_a_running_migration_alone(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")

    reap(shop.services)

    assert can_log_in(variables)


def test_the_reaper_ends_an_exported_login_when_its_minutes_are_over(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(migrate=False, export_env=True, credentials_minutes=10)
    variables = job.given("branch")
    shop.world.pass_time(minutes=9)
    reap(shop.services)
    assert can_log_in(variables)

    shop.world.pass_time(minutes=2)
    reap(shop.services)

    assert not can_log_in(variables)


@pytest.mark.parametrize("minutes", [1, 30])
def test_a_job_login_ends_by_itself_at_postgresql_too(shop: Shop, minutes: int) -> None:
    shop.push("x")
    job = shop.job("x").begun(timeout_minutes=minutes)

    variables = job.given("branch")

    [(is_limited,)] = query(
        variables,
        "SELECT rolvaliduntil < now() + interval '33 minutes' FROM pg_roles"
        " WHERE rolname = session_user",
    )
    assert is_limited
    assert query(variables, "SHOW statement_timeout") == [("0",)]


def test_how_long_a_jobs_sessions_wait_for_a_lock_the_assignment_says(shop: Shop) -> None:
    shop.set_policies(lock_timeout="30s")
    shop.push("x")

    variables = shop.job("x").begun().given("branch")

    assert query(variables, "SHOW lock_timeout") == [("30s",)]


@pytest.mark.parametrize("end", ["report", "silence"])
def test_what_a_job_has_open_ends_with_its_run_however_long_it_would_take(
    shop: Shop, end: str
) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")
    with (
        ThreadPoolExecutor() as threads,
        psycopg.connect(variables["DATABASE_URL"]) as idle,
        psycopg.connect(variables["DATABASE_URL"]) as busy,
    ):
        idle.execute("CREATE TABLE held (a int)")  # in a transaction that is not ended
        sleeping = threads.submit(busy.execute, "SELECT pg_sleep(600)")

        if end == "report":
            job.report("branch", "timed-out")
        else:
            shop.world.pass_time(seconds=61)
            reap(shop.services)

        assert isinstance(sleeping.exception(timeout=30), psycopg.OperationalError)
        with pytest.raises(psycopg.OperationalError):
            idle.execute("SELECT 1")
    assert not can_log_in(variables)


def test_the_lease_lasts_a_minute(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    job.given("branch")

    lease = shop.services.store.leases.of(shop.database("branch", "x").id)

    assert lease is not None
    assert lease.expires_at - shop.services.clock() <= timedelta(seconds=60)


def test_a_lease_that_could_not_be_taken_from_a_silent_run_yet_is_taken_later(shop: Shop) -> None:
    shop.push("x")
    silent = shop.job("x").begun()
    variables = silent.given("branch")
    shop.world.pass_time(seconds=61)
    instance = shop.services.store.instances.named("tenants")
    lost = replace(instance.admin, address=replace(instance.admin.address, port=1))
    shop.services.store.instances.update(replace(instance, admin=lost))
    with pytest.raises(ServerUnreachable):
        reap(shop.services)
    with pytest.raises(ServerUnreachable):
        reap(shop.services)
    assert refusal(shop.job("x").begun().ask("branch")) == (503, "server_unreachable")
    shop.services.store.instances.update(instance)

    reap(shop.services)

    assert not can_log_in(variables)
    assert shop.job("x").begun().ask("branch").status_code == 200
