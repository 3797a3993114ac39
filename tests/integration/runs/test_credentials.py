"""What a job is given: one database, one login, for its run."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from werkzeug.test import TestResponse

from app.core.identifiers import JobLoginId
from app.operations.runs import credentials
from tests.integration.runs.shop import Job, Shop, can_log_in, query
from tests.integration.states import with_store


@pytest.mark.usefixtures("production_and_preview")
def test_a_push_reaches_the_branchs_database_and_preview(shop: Shop) -> None:
    shop.push("feature/login")

    answer = shop.job("feature/login").begin()

    assert answer.json is not None
    assert answer.json["primary"] == "branch"
    assert [item["environment"] for item in answer.json["databases"]] == ["branch", "preview"]
    assert answer.json["databases"][0]["database"] == shop.database("branch", "feature/login").name


def test_the_variables_lead_to_the_branchs_database(shop: Shop) -> None:
    shop.push("x")

    variables = shop.job("x").begun().given("branch")

    name = shop.database("branch", "x").name
    assert query(variables, "SELECT current_database()::text") == [(name,)]
    assert variables["COPPICE_DATABASE"] == variables["PGDATABASE"] == name
    assert variables["COPPICE_ROLE"] == shop.database("branch", "x").data_role
    assert query(variables, "SELECT current_user::text") == [(variables["COPPICE_ROLE"],)]


def test_what_a_job_makes_belongs_to_the_data_role(shop: Shop) -> None:
    shop.push("x")
    variables = shop.job("x").begun().given("branch")

    query(variables, "CREATE TABLE made (id int)")

    owner = "SELECT tableowner::text FROM pg_tables WHERE tablename = 'made'"
    assert query(variables, owner) == [(shop.database("branch", "x").data_role,)]


def test_asking_again_gives_the_same_answer(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()

    first, second = ({**(job.ask("branch").json or {}), "loopback": None} for _ in range(2))

    assert first == second


def test_a_migration_gets_a_certificate_for_loopback_that_is_new_and_soon_over(shop: Shop) -> None:
    shop.push("x")
    migrating, reading = shop.job("x").begun(), shop.job("x").begun(migrate=False)

    first, second, none = (
        (job.ask("branch").json or {})["loopback"] for job in (migrating, migrating, reading)
    )

    assert none is None
    assert first["key"] != second["key"]
    made, authority = (
        x509.load_pem_x509_certificate(first[name].encode()) for name in ("certificate", "ca")
    )
    made.verify_directly_issued_by(authority)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [IPv4Address("127.0.0.1")]
    until = max(made.not_valid_after_utc, authority.not_valid_after_utc)
    assert until - datetime.now(UTC) < timedelta(days=1)


def test_starting_again_finds_the_run(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x")

    first, second = job.begin(), job.begin()

    assert first.json == second.json


def test_the_login_ends_with_the_migration(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")
    query(variables, "CREATE TABLE kept (id int)")

    job.report("branch")

    assert not can_log_in(variables)
    assert shop.services.store.job_logins.of_database(shop.database("branch", "x").id) == []


@pytest.mark.usefixtures("production_and_preview")
def test_an_exported_login_lives_until_the_job_completes(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(export_env=True)
    branch, preview = job.given("branch"), job.given("preview")
    job.report("branch")
    job.report("preview")
    assert can_log_in(branch)
    assert not can_log_in(preview)

    shop.github.complete_job(job.run, "migrate")
    shop.world.settle()

    assert not can_log_in(branch)


def test_an_exported_login_of_a_failed_migration_ends_with_it(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(export_env=True)
    variables = job.given("branch")

    job.report("branch", "failure")

    assert not can_log_in(variables)


def test_without_a_migration_nothing_is_held_and_no_check_is_written(shop: Shop) -> None:
    sha = shop.push("x")
    holder, reader = shop.job("x").begun(), shop.job("x").begun(migrate=False, export_env=True)
    holder.given("branch")

    answer = reader.ask("branch")

    assert answer.json is not None
    assert answer.json["lease_seconds"] is None
    assert answer.json["outlives_run"] is True
    assert query(answer.json["variables"], "SELECT 1") == [(1,)]
    started = shop.services.store.migrations.of_run(reader.id)  # type: ignore[arg-type]
    assert started == []
    assert shop.checks(sha)["migrate (branch)"].conclusion is None


def test_runtime_gives_the_long_lived_login(shop: Shop) -> None:
    shop.push("x")

    variables = shop.job("x").begun(migrate=False, credentials="runtime").given("branch")

    assert variables["PGUSER"] == shop.database("branch", "x").login_role
    assert query(variables, "SELECT 1") == [(1,)]


@pytest.mark.usefixtures("production_and_preview")
def test_runtime_for_production_needs_the_assignments_word(shop: Shop) -> None:
    refused = shop.job().begun(migrate=False, credentials="runtime").ask("production")
    shop.set_policies(runtime_production=True)

    given = shop.job().begun(migrate=False, credentials="runtime").ask("production")

    assert (refused.status_code, refused.json and refused.json["error"]) == (
        403,
        "runtime_not_allowed",
    )
    assert given.status_code == 200


def test_every_issue_is_in_the_audit_trail_without_the_password(shop: Shop) -> None:
    shop.push("x")
    variables = shop.job("x").begun().given("branch")

    rows = shop.audit()

    [issued] = [row for row in rows if row["action"] == "credentials issue"]
    assert issued["subject"] == variables["PGDATABASE"]
    assert variables["PGUSER"] in issued["detail"]
    assert variables["PGPASSWORD"] not in str(rows)


def test_an_issue_says_from_where_the_job_asked(shop: Shop) -> None:
    shop.push("x")
    shop.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    shop.job("x").begun().given("branch")

    [issued] = shop.state("SELECT actor, source FROM audit WHERE action = 'credentials issue'")

    assert issued["actor"].startswith("job:acme/shop run ")
    assert issued["source"] == "198.51.100.7"


def test_the_password_is_stored_encrypted_only(shop: Shop) -> None:
    shop.push("x")
    variables = shop.job("x").begun().given("branch")

    stored = shop.state("SELECT password FROM job_logins")

    assert variables["PGPASSWORD"].encode() not in bytes(stored[0]["password"])


def test_a_pooler_is_given_with_the_long_lived_login_only(shop: Shop) -> None:
    shop.set_pooler(knows_job_logins=False)
    shop.push("x")

    job = shop.job("x").begun(migrate=False).given("branch")
    runtime = shop.job("x").begun(migrate=False, credentials="runtime").given("branch")

    assert "DATABASE_URL_POOLED" not in job
    assert runtime["DATABASE_URL_POOLED"].startswith("postgresql://")


def test_a_pooler_that_knows_job_logins_is_given_with_those_too(shop: Shop) -> None:
    shop.set_pooler(knows_job_logins=True)
    shop.push("x")

    assert "DATABASE_URL_POOLED" in shop.job("x").begun(migrate=False).given("branch")


@pytest.mark.parametrize("migrate", [True, False])
def test_while_the_pooler_is_down_its_variable_is_left_out_and_that_is_said(
    shop: Shop, migrate: bool
) -> None:
    shop.set_pooler(knows_job_logins=True, port=1)
    shop.push("x")

    answer = shop.job("x").begun(migrate=migrate).ask("branch")

    assert answer.json is not None
    assert answer.json["result"] == "go"
    assert "DATABASE_URL_POOLED" not in answer.json["variables"]
    assert answer.json["notices"] == [
        "The pooler localhost:1 does not answer, so DATABASE_URL_POOLED is left out."
    ]
    assert query(answer.json["variables"], "SELECT 1") == [(1,)]


class EndedLate:
    """Job logins of which one is written off while its run asks again."""

    def __init__(self, shop: Shop, job: Job) -> None:
        self.asking = Thread(target=lambda: self.answers.append(job.ask("branch")))
        self.answers: list[TestResponse] = []
        self._shop = shop

    def ended(self, login_id: JobLoginId) -> None:
        self.asking.start()
        while self.asking.is_alive() and not self._shop.state(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database() AND query LIKE 'INSERT INTO locks %'"
        ):
            pass
        self._shop.services.store.job_logins.ended(login_id)


def test_a_run_that_asks_while_its_login_ends_gets_one_that_is_ended_too(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(migrate=False)
    job.given("branch")
    database = shop.database("branch", "x")
    [login] = shop.services.store.job_logins.of_database(database.id)
    late: Any = EndedLate(shop, job)

    credentials.close(with_store(shop.services, job_logins=late), login)
    late.asking.join()

    answer: Any = late.answers[0]
    [another] = shop.services.store.job_logins.of_database(database.id)
    assert answer.json["variables"]["PGUSER"] == another.role
    assert can_log_in(answer.json["variables"])


def test_a_login_ends_with_its_job_although_the_app_is_assigned_no_more(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(migrate=False, export_env=True)
    variables = job.given("branch")
    shop.world.services.store.apps.remove(shop.assignment().app.id)

    shop.world.github.complete_run(job.run)
    shop.world.settle()

    assert not can_log_in(variables)
