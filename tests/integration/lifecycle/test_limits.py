"""Limits of an instance and its handing over, on a real server."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from app.core.audit import AuditEvent
from app.core.checks import Conclusion
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, Forbidden
from app.core.instances import AdminLogin, Instance, InstanceKind
from app.core.intents import ApplyLimits, MeasureInstance
from app.core.limits import NO_LIMITS, OPEN_FOR, LimitReached, Limits
from app.core.ownership import UnknownLink
from app.core.people import Actor, Change, Connect, Operate, See
from app.operations import access
from app.operations.administration import (
    claims,
    databases,
    limits,
)
from app.operations.databases import freezing, measuring
from app.operations.ports.postgres import DatabaseServer
from app.operations.pull_requests import actions
from app.operations.services import Services
from app.postgres.sessions import admin_login, connect
from tests.integration import by_hand, states
from tests.integration.lifecycle.world import World

MB = 1024**2


@pytest.fixture
def instance(world: World) -> Instance:
    return world.services.store.instances.named("tenants")


def limit(world: World, instance: Instance, **values: int | bool) -> None:
    """Less than people may set, too: then a few megabytes are enough to be past it."""
    world.services.store.limits.set(instance.id, Limits(**values))  # type: ignore[arg-type]
    world.services.store.queue.add(
        [ApplyLimits(instance_id=instance.id), MeasureInstance(instance_id=instance.id)]
    )
    world.settle()


def measure(world: World) -> None:
    measuring.measure_everything(world.services)
    world.settle()


def fill(world: World, database: Database) -> None:
    """Three megabytes that do not compress."""
    with world.inside(database) as session:
        session.execute(
            "CREATE TABLE filling AS SELECT md5(n::text) FROM generate_series(1, 50000) n"
        )


# --- number --------------------------------------------------------------------------------------


def test_past_the_limit_a_branch_gets_an_error_that_says_so(
    world: World, instance: Instance
) -> None:
    limit(world, instance, databases=3)
    world.assign()
    world.github.push(world.repository, "first")
    world.settle()

    sha = world.github.push(world.repository, "second")
    world.settle()

    world.ready("first")
    refused = world.database("second")
    assert refused is not None
    assert refused.state is DatabaseState.ERROR
    assert "its 3 databases" in (refused.reason or "")
    assert refused.reason_code == "limit_reached"
    assert [name for name in world.names_on_server() if "second" in name] == []
    [check] = [one for one in world.checks(sha) if one.content.name == "database"]
    assert check.content.conclusion == "failure"
    assert "its 3 databases" in check.content.summary


def test_restoring_makes_no_more_than_the_limit(world: World, instance: Instance) -> None:
    world.assign()
    world.github.push(world.repository, "old")
    world.settle()
    kept = by_hand.delete(world.services, world.ready("old"))
    limit(world, instance, databases=3)
    world.github.push(world.repository, "new")
    world.settle()
    world.ready("new")

    with pytest.raises(LimitReached, match="its 3 databases"):
        by_hand.restore(world.services, kept)
    with pytest.raises(LimitReached):
        databases.restore(world.services, access.database(world.services, kept.id, Change))

    limit(world, instance, databases=4)
    by_hand.restore(world.services, kept)
    world.ready("old")


def conclusion(world: World, sha: str) -> str | None:
    """Of the `database` check that stands on a commit at GitHub."""
    runs = world.github.check_runs(world.repository, sha)
    [check] = [one for one in runs if one.name == "database"]
    return check.conclusion


def test_a_branch_that_comes_back_is_told_that_there_is_no_room(
    world: World, instance: Instance
) -> None:
    world.assign()
    sha = world.github.push(world.repository, "old")
    world.settle()
    kept = world.ready("old")
    states.migrate(world.services, kept.id, sha)
    world.github.delete_branch(world.repository, "old")
    world.settle()
    limit(world, instance, databases=3)
    world.github.push(world.repository, "new")
    world.settle()
    world.ready("new")

    again = world.github.create_branch(world.repository, "old", sha=sha)
    world.settle()

    refused = world.database("old")
    assert refused is not None
    assert (refused.id, refused.state) == (kept.id, DatabaseState.DELETED)
    [check] = [one for one in world.checks(again) if one.content.name == "database"]
    assert check.content.conclusion == "failure"
    assert "its 3 databases" in check.content.summary

    limit(world, instance, databases=4)
    by_hand.restore(world.services, kept)
    world.settle()
    assert conclusion(world, again) == "success"


def test_with_room_again_fix_makes_it(world: World, instance: Instance) -> None:
    limit(world, instance, databases=2)
    world.assign()
    sha = world.github.push(world.repository, "x")
    world.settle()
    refused = world.database("x")
    assert refused is not None
    assert conclusion(world, sha) == "failure"

    limit(world, instance, databases=3)
    by_hand.fix(world.services, refused)
    world.settle()

    world.ready("x")
    assert conclusion(world, sha) == "success"


def test_a_limit_below_what_is_there_breaks_nothing(world: World, instance: Instance) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()

    limit(world, instance, databases=1, total_bytes=1)
    measure(world)
    world.reconcile()
    by_hand.reset(world.services, world.ready("x"))

    with world.inside(world.ready("x")) as session:
        session.execute("SELECT 1")


def test_storage_in_all_that_is_used_up_leaves_no_room(world: World, instance: Instance) -> None:
    world.assign()
    measure(world)
    limit(world, instance, total_bytes=MB)

    world.github.push(world.repository, "x")
    world.settle()

    refused = world.database("x")
    assert refused is not None
    assert "that is its limit" in (refused.reason or "")


# --- connections ---------------------------------------------------------------------------------


def test_connections_are_limited_for_databases_that_are_there_and_that_come(
    world: World, instance: Instance
) -> None:
    world.assign()
    world.github.push(world.repository, "old")
    world.settle()

    limit(world, instance, connections=2)
    world.github.push(world.repository, "new")
    world.settle()

    for branch in ("old", "new"):
        database = world.ready(branch)
        with (
            world.inside(database),
            world.inside(database),
            pytest.raises(psycopg.OperationalError, match="too many connections"),
        ):
            world.inside(database)


def test_what_an_older_version_allowed_is_mended_by_the_clock(
    world: World, instance: Instance, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    database = world.ready("x")
    names = {"login": sql.Identifier(database.login_role), "name": sql.Identifier(database.name)}
    with connect(admin_login(postgres_superuser)) as superuser:
        for old in (
            sql.SQL("ALTER ROLE {login} CONNECTION LIMIT 20"),
            sql.SQL("ALTER DATABASE {name} CONNECTION LIMIT 40"),
        ):
            superuser.execute(old.format(**names))

        measure(world)

        limits = superuser.execute(
            "SELECT rolconnlimit, datconnlimit FROM pg_roles, pg_database"
            " WHERE rolname = %s AND datname = %s",
            [database.login_role, database.name],
        ).fetchone()
    assert limits == (40, 60)


# --- storage of one ------------------------------------------------------------------------------


def test_a_database_that_grows_is_reported_and_stays_open(world: World, instance: Instance) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    fill(world, world.ready("x"))
    measure(world)
    size = world.services.store.measurements.sizes([world.ready("x").id])[world.ready("x").id]

    limit(world, instance, database_bytes=size - MB)
    sha = world.github.push(world.repository, "x")
    world.github.open_pull_request(world.repository, "x")
    world.settle()

    with world.inside(world.ready("x")) as session:
        session.execute("SELECT 1")
    [check] = [one for one in world.checks(sha) if one.content.name == "database"]
    assert "more than the" in check.content.summary


def test_a_frozen_database_lets_nobody_in_until_there_is_space(
    world: World, instance: Instance
) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    measure(world)
    empty = world.services.store.measurements.sizes([world.ready("x").id])[world.ready("x").id]
    fill(world, world.ready("x"))
    inside = world.inside(world.ready("x"))
    limit(world, instance, database_bytes=empty + MB, freezes=True)

    frozen = world.database("x")
    assert frozen is not None
    assert (frozen.state, frozen.is_frozen) == (DatabaseState.ERROR, True)
    assert "more than the" in (frozen.reason or "")
    assert frozen.reason_code == "limit_reached"
    with pytest.raises(psycopg.OperationalError):
        inside.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        world.inside(frozen)

    world.reconcile()  # nothing opens it by itself
    with pytest.raises(psycopg.OperationalError):
        world.inside(frozen)

    by_hand.fix(world.services, frozen)
    world.settle()  # also what comes by itself after a Fix, a measurement among it
    measure(world)
    assert world.ready("x").opened_at is not None
    later = world.services.clock() + OPEN_FOR
    measuring.measure_instance(replace(world.services, clock=lambda: later), instance.id)
    again = world.database("x")
    assert again is not None
    assert again.is_frozen

    by_hand.fix(world.services, again)
    with world.inside(world.ready("x")) as session:
        session.execute("DROP TABLE filling")
    measure(world)

    with world.inside(world.ready("x")) as session:
        session.execute("SELECT 1")


def by_fixing(services: Services, database: Database) -> None:
    databases.fix(services, access.database(services, database.id, Change))


def by_a_comment_or_button(services: Services, database: Database) -> None:
    app = services.store.apps.get(database.app_id)
    assert app is not None
    assert database.branch is not None
    repository = services.store.repositories.get(app.repository_id)
    assert repository is not None
    live = services.github.branch(repository, database.branch)
    assert live is not None
    permitted = access.database(services, database.id, Change)
    actions.fix(services, repository, database.branch, permitted, head_sha=live.head_sha)


def by_asking_for_it(services: Services, database: Database) -> None:
    assigned = access.app(services, database.app_id, See).subject
    where = access.location(services, assigned, Change, branch=database.branch, environment=None)
    databases.create(services, where)


def by_deleting_and_restoring_it(services: Services, database: Database) -> None:
    by_hand.delete(services, database)
    restored = by_hand.restore(services, services.store.databases.get(database.id))
    databases.fix(services, access.database(services, restored.id, Change))


@pytest.mark.parametrize(
    "opened", [by_fixing, by_a_comment_or_button, by_asking_for_it, by_deleting_and_restoring_it]
)
def test_whichever_way_a_person_opens_a_frozen_database_it_opens(
    world: World, instance: Instance, opened: Callable[[Services, Database], None]
) -> None:
    frozen = frozen_branch(world, instance)
    operated = access.instance(world.services, instance.name, Operate)
    limits.set_limits(world.services, operated, NO_LIMITS)  # nothing freezes it again

    opened(world.services, frozen)
    world.settle()

    with world.inside(world.ready("x")) as session:
        session.execute("SELECT 1")
    assert not world.ready("x").is_frozen


def frozen_branch(world: World, instance: Instance) -> Database:
    """The database of `x`, past the size that it may have, and a server that has room again."""
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    measure(world)
    limit(world, instance, database_bytes=MB, freezes=True)
    frozen = world.database("x")
    assert frozen is not None
    assert frozen.is_shut
    return frozen


def test_a_measurement_under_way_does_not_close_what_a_person_opened_meanwhile(
    world: World, instance: Instance
) -> None:
    frozen = frozen_branch(world, instance)
    server_for = world.services.server_for

    def opened_meanwhile(of: Instance) -> DatabaseServer:
        # The first that is closed is production; the databases were looked at before.
        if not opened:
            opened.append(by_hand.fix(world.services, frozen))
        return server_for(of)

    opened: list[Database] = []
    services = replace(world.services, server_for=opened_meanwhile)
    freezing.enforce(services, instance.id)

    assert opened
    with world.inside(world.ready("x")) as session:
        session.execute("SELECT 1")


def test_a_clock_that_was_ahead_keeps_nothing_open(world: World, instance: Instance) -> None:
    by_hand.fix(world.services, frozen_branch(world, instance))
    world.state.execute("UPDATE databases SET opened_at = opened_at + interval '1 year'")

    measure(world)

    again = world.database("x")
    assert again is not None
    assert again.is_shut


def test_what_a_person_restores_is_not_closed_to_take_a_check_back(
    world: World, instance: Instance
) -> None:
    frozen_branch(world, instance)
    sha = world.github.push(world.repository, "x")
    world.settle()
    [check] = world.checks(sha)
    assert check.content.conclusion is Conclusion.FAILURE
    world.github.delete_branch(world.repository, "x")
    world.settle()
    deleted = world.database("x")
    assert deleted is not None
    assert deleted.state is DatabaseState.DELETED
    permitted = access.database(world.services, deleted.id, Connect)
    with pytest.raises(Conflict, match="is deleted") as caught:
        databases.login(world.services, permitted, purpose=AuditEvent.ENV)
    assert "databases restore" in caught.value.advice

    by_hand.restore(world.services, deleted)
    world.settle()

    with world.inside(world.ready("x")) as session:
        session.execute("SELECT 1")


def test_a_larger_limit_opens_a_frozen_database(world: World, instance: Instance) -> None:
    world.assign()
    preview = world.shared(Environment.PREVIEW)
    assert preview is not None
    measure(world)
    limit(world, instance, database_bytes=MB, freezes=True)
    closed = world.shared(Environment.PREVIEW)
    assert closed is not None
    assert closed.is_frozen

    limit(world, instance, database_bytes=1024 * MB, freezes=True)

    opened = world.shared(Environment.PREVIEW)
    assert opened is not None
    assert (opened.state, opened.is_frozen) == (DatabaseState.READY, False)
    with world.inside(opened) as session:
        session.execute("SELECT 1")


# --- handing over --------------------------------------------------------------------------------


@pytest.fixture
def offered(world: World, instance: Instance) -> Instance:
    """The server as if Coppice had provisioned it: only such are handed over."""
    world.services.store.hosts.sign()
    with psycopg.connect(world.dsn, options="-c search_path=coppice") as session:
        session.execute(
            "UPDATE instances SET kind = 'provisioned', host_id = %s WHERE id = %s",
            [world.services.store.hosts.here, instance.id],
        )
    return replace(instance, kind=InstanceKind.PROVISIONED, host=world.services.store.hosts.here)


def as_octocat(world: World, role: str = "admin") -> Services:
    user = world.github.grant(world.repository, "octocat", role)
    actor = Actor(name="github:octocat", login="octocat", user_id=user.id)
    return world.services.acting_as(actor, source="192.0.2.7")


def secret_of(link: str) -> str:
    return link.rpartition("/")[2]


def offer(world: World, instance: Instance, **plan: int) -> str:
    return secret_of(
        claims.offer(
            world.services,
            access.instance(world.services, instance.name, Operate),
            plan=Limits(**plan),  # type: ignore[arg-type]
            valid=timedelta(days=1),
        )
    )


def test_who_claims_an_instance_owns_it_with_the_plan_and_new_passwords(
    world: World, offered: Instance
) -> None:
    world.assign()
    limit(world, offered, databases=1)
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    before = world.services.store.databases.password(production.id)
    inside = world.inside(production)
    secret = offer(world, offered, databases=50)

    claims.claim(as_octocat(world), secret)
    world.settle()

    claim = world.services.store.handovers.of_instance(offered.id)
    assert claim is not None
    assert claim.owner_login == "octocat"
    assert claim.owner_id == world.github.user("octocat").id
    assert world.services.store.limits.of(offered.id) == Limits(databases=50)
    assert world.services.store.databases.password(production.id) != before
    with pytest.raises(psycopg.OperationalError):
        inside.execute("SELECT 1")
    with world.inside(production) as session:
        session.execute("SELECT 1")
    entries = [entry for entry in world.services.store.audit.latest() if "claim" in entry.action]
    assert [(one.actor, one.source) for one in entries] == [("github:octocat", "192.0.2.7")]


def test_the_plan_opens_what_the_present_limits_had_frozen(world: World, offered: Instance) -> None:
    world.assign()
    measure(world)
    limit(world, offered, database_bytes=MB, freezes=True)
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    assert production.is_frozen

    secret = offer(world, offered, databases=50)
    claims.claim(as_octocat(world), secret)
    world.settle()

    opened = world.shared(Environment.PRODUCTION)
    assert opened is not None
    with world.inside(opened) as session:
        session.execute("SELECT 1")


def test_a_link_works_once(world: World, offered: Instance) -> None:
    world.assign()
    secret = offer(world, offered)
    claims.claim(as_octocat(world), secret)

    with pytest.raises(UnknownLink):
        claims.claim(as_octocat(world), secret)


def test_an_older_link_does_not_work_any_more(world: World, offered: Instance) -> None:
    world.assign()
    old = offer(world, offered)
    offer(world, offered)

    with pytest.raises(UnknownLink):
        claims.claim(as_octocat(world), old)


def test_a_link_ends_with_its_time(world: World, offered: Instance) -> None:
    world.assign()
    secret = offer(world, offered)
    world.pass_time(days=1, minutes=1)

    with pytest.raises(UnknownLink):
        claims.claim(as_octocat(world), secret)


def test_who_is_no_admin_there_changes_nothing(world: World, offered: Instance) -> None:
    world.assign()
    secret = offer(world, offered)

    with pytest.raises(Forbidden):
        claims.claim(as_octocat(world, "maintain"), secret)

    assert world.services.store.limits.of(offered.id) == NO_LIMITS
    claims.claim(as_octocat(world), secret)


def test_the_link_itself_is_stored_nowhere(world: World, offered: Instance) -> None:
    secret = offer(world, offered)

    with psycopg.connect(world.dsn, options="-c search_path=coppice") as session:
        tables = session.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'coppice'"
        ).fetchall()
        texts = [str(session.execute(f"SELECT * FROM {table}").fetchall()) for (table,) in tables]

    assert not [text for text in texts if secret in text]
