"""What a run leaves behind ends with it, and stands in nobody's way."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from app.core.databases import DatabaseState
from app.core.errors import Conflict
from app.core.instances import AdminLogin
from app.core.people import Change, Lose
from app.operations import access
from app.operations.administration import databases
from app.operations.runs.reaper import reap
from app.postgres.sessions import admin_login, connect
from tests.integration import by_hand
from tests.integration.runs.shop import Shop, can_log_in, query, refusal


@contextmanager
def holding(variables: dict[str, str], *statements: str) -> Iterator[psycopg.Connection]:
    """A session of the job's with a transaction that it leaves open."""
    with psycopg.connect(variables["DATABASE_URL"]) as session:
        for statement in statements:
            session.execute(statement.encode())
        yield session
        session.close()


def locks_itself(variables: dict[str, str]) -> list[str]:
    """Takes the lock of its own role, and of the one that it acts as."""
    own = variables["PGUSER"]
    return [
        "ALTER ROLE CURRENT_USER PASSWORD 'planted'",
        "SET ROLE none",
        f"ALTER ROLE \"{own}\" PASSWORD 'kept'",
    ]


def leave_behind(variables: dict[str, str]) -> None:
    """What belongs to the job's own role and cannot be handed over."""
    own = variables["PGUSER"]
    query(variables, f'CREATE SCHEMA shut; GRANT ALL ON SCHEMA shut TO "{own}"')
    function = "CREATE FUNCTION shut.made() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    query(variables, f"SET ROLE none; {function}; CREATE TABLE left_behind (id int)")
    query(variables, "REVOKE ALL ON SCHEMA shut FROM CURRENT_USER")


def planted(variables: dict[str, str], login_role: str) -> dict[str, str]:
    """The long-lived login with the password that a job gave it."""
    query(variables, f"SET ROLE \"{login_role}\"; ALTER ROLE CURRENT_USER PASSWORD 'planted'")
    host, port, name = (variables[key] for key in ("PGHOST", "PGPORT", "PGDATABASE"))
    url = f"postgresql://{login_role}:planted@{host}:{port}/{name}"
    return {"DATABASE_URL": url, "PGUSER": login_role}


def test_a_run_that_holds_its_login_locked_ends_with_its_report(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")
    with holding(variables, *locks_itself(variables)) as session:
        job.report("branch", "failure")

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert not can_log_in(variables)
    assert shop.services.store.job_logins.of_database(shop.database("branch", "x").id) == []


def test_the_next_run_goes_on_whatever_a_silent_one_holds_locked(shop: Shop) -> None:
    shop.push("x")
    variables = shop.job("x").begun().given("branch")
    with holding(variables, *locks_itself(variables)) as session:
        shop.world.pass_time(seconds=61)

        answer = shop.job("x").begun().ask("branch")

        assert answer.status_code == 200, answer.json
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


def test_a_run_asks_again_while_a_login_before_it_cannot_be_ended(
    shop: Shop, postgres_superuser: AdminLogin
) -> None:
    shop.push("x")
    variables = shop.job("x").begun().given("branch")
    shop.world.pass_time(seconds=61)
    job = shop.job("x").begun()
    with connect(admin_login(postgres_superuser)) as superuser, superuser.transaction():
        # Whose session the service may not end.
        superuser.execute(f'ALTER ROLE "{variables["PGUSER"]}" CONNECTION LIMIT 5'.encode())
        answer = job.ask("branch")

    assert refusal(answer) == (409, "busy")
    assert job.ask("branch").status_code == 200
    assert not can_log_in(variables)


def test_a_planted_password_lets_nobody_in_although_something_is_left_behind(
    shop: Shop, postgres_superuser: AdminLogin
) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")
    leave_behind(variables)
    stranger = planted(variables, shop.database("branch", "x").login_role)
    assert can_log_in(stranger)

    job.report("branch", "failure")

    assert not can_log_in(stranger)
    shop.world.pass_time(seconds=70)
    for moment in ("now", "a minute later"):
        reap(shop.services)
        shop.world.settle()
        assert not can_log_in(stranger)
        logins = shop.services.store.job_logins.of_database(shop.database("branch", "x").id)
        # Looked at again until nobody can come in who began to prove that password before.
        assert bool(logins) == (moment == "now")
        pass_a_minute(postgres_superuser, stranger)
    assert shop.job("x").begun().ask("branch").status_code == 200


def pass_a_minute(admin: AdminLogin, variables: dict[str, str]) -> None:
    """As if the long-lived login had been let in a minute and more before."""
    role = variables["PGUSER"]
    with connect(admin_login(admin)) as superuser:
        superuser.execute(f"COMMENT ON ROLE \"{role}\" IS 'coppice let in 0'".encode())


@pytest.mark.usefixtures("production_and_preview")
def test_a_run_that_planted_a_password_gets_another_login_for_the_rebuilt_preview(
    shop: Shop,
) -> None:
    job = shop.job().begun()
    variables = job.given("preview")
    planted(variables, shop.database("preview").login_role)
    job.report("preview", "failure")
    shop.world.settle()

    again = job.given("preview")

    assert again["PGUSER"] != variables["PGUSER"]
    assert can_log_in(again)
    assert not can_log_in(variables)


def test_fix_hands_over_what_could_not_be_handed_over(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")
    leave_behind(variables)
    job.report("branch", "failure")
    database = shop.database("branch", "x")
    with shop.world.inside(database) as session:
        session.execute(f'SET ROLE "{database.data_role}"'.encode())
        session.execute("GRANT ALL ON SCHEMA shut TO CURRENT_USER")

    databases.fix(shop.services, access.database(shop.services, database.id, Change))
    shop.world.settle()

    with shop.world.inside(database) as session:
        roles = session.execute(
            "SELECT DISTINCT pg_get_userbyid(proowner)::text FROM pg_proc WHERE proname = 'made'"
        ).fetchall()
    assert roles == [(database.data_role,)]


@pytest.mark.usefixtures("production_and_preview")
def test_what_a_branch_leaves_in_preview_stops_neither_preview_nor_production(shop: Shop) -> None:
    shop.push("x")
    branch = shop.job("x").begun()
    branch.migrate("branch")
    variables = branch.given("preview")
    leave_behind(variables)
    with holding(variables, *locks_itself(variables)):
        verdict = branch.report("preview", "failure").json
        main = shop.job().begun()
        touched = main.given("preview")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            query(touched, "DROP FUNCTION shut.made()")

        again = main.report("preview", "failure").json
        shop.world.settle()
        main.migrate("preview")
        answer = main.ask("production")

    assert verdict is not None
    assert (verdict["next"], verdict["fails"]) == ("done", False)
    assert again is not None
    assert again["next"] == "again"
    assert answer.status_code == 200


def test_a_reset_waits_for_no_run_that_is_over(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")
    with pytest.raises(Conflict, match="A migration runs"):
        databases.reset(
            shop.services, access.database(shop.services, shop.database("branch", "x").id, Lose)
        )
    with holding(variables, *locks_itself(variables)):
        shop.github.complete_run(job.run, "cancelled")
        shop.github.hook.wait()

        databases.reset(
            shop.services, access.database(shop.services, shop.database("branch", "x").id, Lose)
        )
        shop.world.settle()

    assert not can_log_in(variables)
    assert shop.database("branch", "x").state is DatabaseState.READY
    assert refusal(job.renew("branch")) in {(409, "lease_lost"), (403, "run_completed")}
    assert shop.job("x").begun().ask("branch").status_code == 200


def test_a_reset_waits_for_no_silent_run(shop: Shop) -> None:
    shop.push("x")
    shop.job("x").begun().given("branch")
    shop.world.pass_time(seconds=61)

    databases.reset(
        shop.services, access.database(shop.services, shop.database("branch", "x").id, Lose)
    )

    assert shop.database("branch", "x").generation == 2


def test_a_database_is_dropped_whatever_a_run_that_is_over_holds_locked(shop: Shop) -> None:
    shop.push("x")
    variables = shop.job("x").begun().given("branch")
    leave_behind(variables)
    with holding(variables, *locks_itself(variables)):
        shop.world.pass_time(seconds=61)

        dropped = by_hand.drop(shop.services, shop.database("branch", "x"))

    assert dropped.state is DatabaseState.GONE
    assert dropped.name not in shop.world.names_on_server()
