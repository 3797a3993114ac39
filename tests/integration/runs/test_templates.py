"""Templates: made by runs of the default branch after production, and what is cloned from them."""

from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.core.assignments import Parent, PreviewPolicy
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict
from app.core.identifiers import RunId
from app.core.people import OPERATOR, Change, See
from app.operations import access
from tests.integration import by_hand
from tests.integration.lifecycle.test_standing_still import doctor
from tests.integration.runs.reaping import reap
from tests.integration.runs.shop import Job, Shop, query, refusal
from tests.integration.runs.test_buttons import press_rerun
from tests.integration.runs.test_seeding import SEED, SEEDED

MIGRATION = {"db/migrate/2_names.sql": "ALTER TABLE users ADD name text;"}
BASE = ("CREATE TABLE users (id int)", "INSERT INTO users VALUES (1), (2)")


@pytest.fixture
def cloning(shop: Shop) -> Shop:
    """A shop whose new databases are clones of a template; it has production alone."""
    shop.set_policies(parent=Parent.FIXTURE, preview=PreviewPolicy.OFF)
    shop.world.reconcile()
    return shop


def main_job(shop: Shop, *, event: str = "push", **body: Any) -> Job:
    """A job of the default branch that has migrated production, and may make a template."""
    job = shop.job(event=event).begun(template=True, **body)
    job.migrate("production")
    return job


def given(job: Job, environment: str) -> dict[str, str]:
    """The variables of a database that is made while the job waits."""
    for _ in range(3):
        if job.ask(environment).status_code == 200:
            break
        job.shop.world.settle()
    return job.given(environment)


def build(job: Job, *statements: str, **report: Any) -> dict[str, Any]:
    """Run statements on the template, report, and have it sealed or dropped; the verdict."""
    variables = given(job, "template")
    for statement in statements:
        query(variables, statement)
    answer = job.report("template", **report)
    assert answer.status_code == 200, answer.json
    job.shop.world.settle()
    verdict: dict[str, Any] = answer.json or {}
    return verdict


def current(shop: Shop) -> Database:
    found = shop.services.store.databases.current_template(
        shop.app_id, shop.assignment().instance_id
    )
    assert found is not None
    return found


def on(shop: Shop, branch: str, **body: Any) -> Job:
    """A job on a branch, whose database has been made."""
    shop.push(branch)
    return shop.job(branch).begun(**body)


def server(shop: Shop) -> psycopg.Connection[tuple[Any, ...]]:
    """A session of the service's own role on the tenants' server."""
    admin = shop.services.store.instances.named("tenants").admin
    return psycopg.connect(
        host=admin.address.host,
        port=admin.address.port,
        dbname=admin.maintenance_database,
        user=admin.user,
        password=admin.password,
        autocommit=True,
    )


def is_on_server(shop: Shop, database: Database) -> bool:
    with server(shop) as session:
        found = session.execute("SELECT FROM pg_database WHERE datname = %s", [database.name])
        return found.rowcount > 0


def test_branches_begin_as_the_template_migrated_and_seeded(cloning: Shop) -> None:
    build(main_job(cloning, seed_command=SEED), *BASE, seed=SEEDED)

    job = on(cloning, "x", seed_command=SEED)
    answer = job.ask("branch").json or {}

    assert answer["seed"] is False
    assert query(answer["variables"], "SELECT id FROM users ORDER BY id") == [(1,), (2,)]
    # A job's tables and the template's have one owner, so that later jobs can change both.
    query(answer["variables"], "ALTER TABLE users ADD name text; CREATE TABLE mine ()")
    job.report("branch")
    branch = cloning.database("branch", "x")
    assert branch.cloned_from == current(cloning).id
    assert current(cloning).name == f"{cloning.app_id}-template-1"
    login = cloning.services.store.databases.password(branch.id)
    url = make_conninfo(answer["variables"]["DATABASE_URL"], user=branch.login_role, password=login)
    with psycopg.connect(url) as application:
        application.execute("INSERT INTO users VALUES (3, 'Ann')")
        application.execute("ALTER TABLE mine ADD its text")


def test_a_template_lets_nobody_in_and_is_no_database_of_people(cloning: Shop) -> None:
    job = main_job(cloning)
    variables = given(job, "template")
    build(job, *BASE)
    template = current(cloning)

    with pytest.raises(psycopg.OperationalError):
        query(variables, "SELECT 1")
    with pytest.raises(Conflict, match="is a template"):
        by_hand.restore(cloning.services, template)
    with server(cloning) as session:
        found = session.execute(
            "SELECT datallowconn, datistemplate FROM pg_database WHERE datname = %s",
            [template.name],
        )
        assert found.fetchall() == [(False, False)]
    assert template.state is DatabaseState.DELETED
    cloning.world.reconcile()
    assert current(cloning).id == template.id


def test_without_a_template_branches_begin_empty_and_a_reset_takes_the_new_one(
    cloning: Shop,
) -> None:
    job = on(cloning, "x")
    assert query(job.given("branch"), "SELECT to_regclass('users')") == [(None,)]
    job.report("branch")
    [told] = doctor(cloning.world, f"template of {cloning.app_id}")

    build(main_job(cloning), *BASE)
    before = cloning.database("branch", "x")
    by_hand.reset(cloning.services, before)

    again = cloning.job("x").begun()
    assert query(again.given("branch"), "SELECT count(*) FROM users") == [(2,)]
    after = cloning.database("branch", "x")
    assert (after.name, after.login_role) == (before.name, before.login_role)
    assert after.marker != before.marker
    assert (before.cloned_from, after.cloned_from) == (None, current(cloning).id)
    assert "there is none yet; new databases begin empty" in told.words
    assert doctor(cloning.world, f"template of {cloning.app_id}") == []


def test_the_shared_preview_begins_as_the_template_when_it_is_made_anew(cloning: Shop) -> None:
    build(main_job(cloning), *BASE)
    cloning.set_policies(preview=PreviewPolicy.SHARED)

    cloning.world.reconcile()

    assert cloning.database("preview").cloned_from == current(cloning).id


def test_the_next_template_is_a_clone_of_the_last_and_only_where_migrations_changed(
    cloning: Shop,
) -> None:
    build(main_job(cloning, seed_command=SEED), *BASE, seed=SEEDED)
    first = current(cloning)
    same = main_job(cloning, seed_command=SEED).ask("template").json or {}
    cloning.github.push(cloning.repository, "main", files={"README.md": "Hello"})
    other = main_job(cloning, seed_command=SEED).ask("template").json or {}
    cloning.github.push(cloning.repository, "main", files=MIGRATION)
    job = main_job(cloning, seed_command=SEED)
    answer = given(job, "template")
    assert (job.ask("template").json or {})["seed"] is False

    assert query(answer, "SELECT count(*) FROM users") == [(2,)]
    build(job, "ALTER TABLE users ADD name text")

    assert (same["result"], other["result"]) == ("skipped", "skipped")
    assert f"{first.name} is of this commit" in same["message"]
    assert "No migration has changed" in other["message"]
    second = current(cloning)
    assert (second.name, second.cloned_from) == (f"{cloning.app_id}-template-2", first.id)
    old = cloning.services.store.databases.get(first.id)
    assert old.drop_after is not None
    assert is_on_server(cloning, first)
    cloning.world.pass_time(hours=25)
    cloning.world.reconcile()
    assert not is_on_server(cloning, first)
    assert is_on_server(cloning, second)


def test_somebody_who_starts_the_workflow_by_hand_gets_a_template(cloning: Shop) -> None:
    build(main_job(cloning), *BASE)
    cloning.github.push(cloning.repository, "main", files={"README.md": "Hello"})

    build(main_job(cloning, event="workflow_dispatch"))

    assert current(cloning).name.endswith("-template-2")


def test_what_fails_on_a_clone_is_tried_from_empty_and_else_the_last_one_stays(
    cloning: Shop,
) -> None:
    build(main_job(cloning), *BASE)
    first = current(cloning)
    cloning.github.push(cloning.repository, "main", files=MIGRATION)
    job = main_job(cloning)

    again = build(job, "CREATE TABLE half ()", result="failure")
    from_empty = given(job, "template")
    found = query(from_empty, "SELECT to_regclass('users'), to_regclass('half')")
    failed = build(job, result="failure")

    assert (again["next"], failed["next"]) == ("again", "done")
    assert found == [(None, None)]
    assert failed["fails"] is False
    assert "does not fail the step" in failed["message"]
    check = cloning.checks(job.run.head_sha)["migrate (template)"]
    assert check.conclusion == "neutral"
    assert current(cloning).id == first.id
    assert cloning.services.store.databases.live(cloning.app_id, Environment.TEMPLATE) is None
    [told] = doctor(cloning.world, f"template of {cloning.app_id}")
    assert told.words.endswith(f"failure; new databases begin as {first.name}")
    assert f"/runs/{job.id}" in told.advice


def test_what_a_dead_run_left_is_dropped_and_the_next_run_begins_anew(cloning: Shop) -> None:
    job = main_job(cloning)
    query(given(job, "template"), "CREATE TABLE half ()")
    dead = cloning.database("template")
    cloning.world.pass_time(minutes=5)
    reap(cloning.services)

    variables = given(main_job(cloning), "template")

    assert query(variables, "SELECT to_regclass('half')") == [(None,)]
    assert cloning.database("template").id != dead.id
    assert not is_on_server(cloning, dead)


def test_a_run_with_a_template_is_started_again_by_those_who_may_change_production(
    cloning: Shop,
) -> None:
    job = main_job(cloning)
    build(job, *BASE)
    cloning.github.complete_run(job.run)
    cloning.world.settle()

    press_rerun(cloning, job, "migrate (production)", role="write")
    after_write = job.run.attempt
    press_rerun(cloning, job, "migrate (production)", role="maintain")

    assert (after_write, job.run.attempt) == (1, 2)
    operator = cloning.services.acting_as(OPERATOR, source="test")
    app = access.known_app(operator, cloning.app_id, See).subject
    assert access.run(operator, app, RunId(job.id), Change).subject.id == job.id


@pytest.mark.parametrize("result", ["failure", "never-connected"])
def test_no_template_follows_a_production_that_was_not_migrated(cloning: Shop, result: str) -> None:
    job = cloning.job().begun(template=True)
    waiting = job.ask("template")
    job.migrate("production", result)

    assert refusal(waiting) == (409, "waiting")
    assert (job.ask("template").json or {})["result"] == "skipped"
    assert cloning.services.store.databases.last_template_number(cloning.app_id) == 0


def test_only_jobs_that_know_templates_and_migrate_production_are_named_one(cloning: Shop) -> None:
    named = [
        {each["environment"] for each in (job.begin(**body).json or {})["databases"]}
        for job, body in (
            (cloning.job(), {}),
            (cloning.job(), {"template": True}),
            (cloning.job(), {"template": True, "environments": ["production"]}),
            (cloning.job(), {"template": True, "migrate": False}),
        )
    ]
    branch = on(cloning, "x", template=True)

    assert ["template" in each for each in named] == [False, True, True, False]
    assert refusal(branch.ask("template"))[0] == 403
    assert refusal(cloning.job().begun().ask("template"))[0] == 403


def test_a_template_goes_when_nothing_is_cloned_from_it_any_more(cloning: Shop) -> None:
    build(main_job(cloning), *BASE)
    template = current(cloning)

    cloning.set_policies(parent=Parent.EMPTY)
    cloning.world.reconcile()
    cloning.world.pass_time(hours=25)
    cloning.world.reconcile()

    assert not is_on_server(cloning, template)
    job = on(cloning, "x")
    assert query(job.given("branch"), "SELECT to_regclass('users')") == [(None,)]


def test_a_template_that_is_gone_from_its_server_holds_no_branch_up(cloning: Shop) -> None:
    build(main_job(cloning), *BASE)
    with server(cloning) as session:
        session.execute(f'DROP DATABASE "{current(cloning).name}"'.encode())

    job = on(cloning, "x")

    assert query(job.given("branch"), "SELECT to_regclass('users')") == [(None,)]
    assert cloning.database("branch", "x").cloned_from is None


def test_what_a_branch_sets_for_the_shared_role_reaches_no_template(cloning: Shop) -> None:
    build(main_job(cloning), *BASE)
    branch = on(cloning, "x").given("branch")
    cloning.github.push(cloning.repository, "main", files=MIGRATION)
    job = main_job(cloning)
    given(job, "template")
    building = cloning.database("template").name

    query(branch, f"ALTER ROLE CURRENT_USER IN DATABASE \"{building}\" SET search_path = 'nowhere'")
    build(job, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")

    clone = on(cloning, "y").given("branch")
    assert query(clone, "SHOW search_path") == [('"$user", public',)]
    assert query(clone, "SELECT count(*) FROM pg_default_acl") == [(1,)]


def test_a_seed_that_changed_runs_on_a_template_that_begins_empty(cloning: Shop) -> None:
    build(main_job(cloning, seed_command=SEED), *BASE, seed=SEEDED)

    cloning.github.push(cloning.repository, "main", files={"db/seeds.sql": "SELECT 1"})
    job = main_job(cloning, seed_command=SEED)

    assert query(given(job, "template"), "SELECT to_regclass('users')") == [(None,)]
    assert (job.ask("template").json or {})["seed"] is True
