"""What is shown is what is there: rows are held against the catalogs of their servers."""

from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest
from psycopg import Connection, connect, sql

from app.config import Config
from app.core.audit import AuditEvent
from app.core.checks import Conclusion
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, ProvisioningFailed
from app.core.instances import AdminLogin
from app.core.people import Connect
from app.machine.surroundings import Machine
from app.operations import access
from app.operations.administration import databases, doctor
from app.operations.administration.diagnosis import Health
from app.operations.databases import provisioning, retention, standing
from app.operations.databases.readiness import set_going
from tests.integration import by_hand, states
from tests.integration.lifecycle.proxy import Proxy
from tests.integration.lifecycle.test_reconciliation import through
from tests.integration.lifecycle.world import World

Superuser = Connection[tuple[object, ...]]


@pytest.fixture
def superuser(world: World, postgres_superuser: AdminLogin) -> Iterator[Superuser]:
    """An administrator of the tenants' server; strangers that he left under our names go."""
    address = postgres_superuser.address
    with connect(
        host=address.host,
        port=address.port,
        user=postgres_superuser.user,
        password=postgres_superuser.password,
        dbname="postgres",
        autocommit=True,
    ) as session:
        yield session
        for row in world.services.store.databases.all():
            owner = session.execute(
                "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [row.name]
            ).fetchone()
            if owner not in (None, (row.owner_role,)):
                drop(session, row)


def run(superuser: Superuser, statement: sql.SQL, *names: str) -> None:
    superuser.execute(statement.format(*map(sql.Identifier, names)))


def drop(superuser: Superuser, database: Database) -> None:
    run(superuser, sql.SQL("DROP DATABASE {} WITH (FORCE)"), database.name)


def replace_it(superuser: Superuser, database: Database) -> None:
    drop(superuser, database)
    run(superuser, sql.SQL("CREATE DATABASE {}"), database.name)


def unmark(superuser: Superuser, database: Database) -> None:
    run(superuser, sql.SQL("COMMENT ON DATABASE {} IS NULL"), database.name)


def forbid_connections(superuser: Superuser, database: Database) -> None:
    run(superuser, sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false"), database.name)


def forbid_login(superuser: Superuser, database: Database) -> None:
    run(superuser, sql.SQL("ALTER ROLE {} NOLOGIN"), database.login_role)


def allow_connections(superuser: Superuser, database: Database) -> None:
    run(superuser, sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true"), database.name)


def allow_login(superuser: Superuser, database: Database) -> None:
    run(superuser, sql.SQL("ALTER ROLE {} LOGIN"), database.login_role)


def rename(superuser: Superuser, before: str, after: str) -> None:
    run(superuser, sql.SQL("ALTER DATABASE {} RENAME TO {}"), before, after)


def grown(world: World) -> tuple[Database, Database]:
    """The databases of a branch and of production, both ready."""
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    return world.ready("x"), production


def now(world: World, database: Database) -> Database:
    return world.services.store.databases.get(database.id)


def broken(world: World) -> set[str]:
    """What `doctor` finds broken of our databases, and so ends with 1 for."""
    machine = Machine(Config.from_environ(world.settings), dsn=world.dsn)
    found = doctor.diagnose(world.services, machine, settings_warnings=())
    return {
        one.what.removeprefix("database ")
        for one in found
        if one.health is Health.BROKEN and one.what.startswith("database ")
    }


def ask_for_it(world: World, database: Database) -> None:
    """As a job does that wants to migrate."""
    assignment = world.services.store.apps.assignment(world.app)
    assert assignment is not None
    set_going(world.services, assignment, database.environment, database.branch)
    world.settle()


LOSSES = {"database_missing": drop, "naming_conflict": replace_it, "marker_missing": unmark}


@pytest.mark.parametrize(("code", "lose"), LOSSES.items(), ids=LOSSES.keys())
def test_what_was_lost_is_told_and_waits_for_a_person(
    world: World, superuser: Superuser, code: str, lose: Callable[[Superuser, Database], None]
) -> None:
    both = grown(world)
    for one in both:
        lose(superuser, one)
    before = broken(world)

    world.reconcile()
    world.reconcile()
    for one in both:
        ask_for_it(world, one)

    assert before == broken(world) == {one.name for one in both}
    for one in both:
        after = now(world, one)
        assert (after.state, after.reason_code) == (DatabaseState.ERROR, code)
        head = world.github.branch_head(world.repository, str(one.branch or "main"))
        [check] = [each for each in world.checks(str(head)) if each.content.name == "database"]
        assert check.content.conclusion is Conclusion.FAILURE
        assert one.name in check.content.summary


def test_no_empty_database_takes_the_place_of_one_that_is_gone_until_a_person_wants_it(
    world: World, superuser: Superuser
) -> None:
    _, production = grown(world)
    states.migrate(world.services, production.id, "a" * 40)
    drop(superuser, production)
    with pytest.raises(Conflict, match="no longer on the server"):
        by_hand.fix(world.services, production)  # nobody knew until now
    world.reconcile()
    names = world.names_on_server()

    by_hand.fix(world.services, now(world, production))

    after = now(world, production)
    assert production.name not in names
    assert production.name in world.names_on_server()
    assert after.state is DatabaseState.READY
    assert after.generation == production.generation + 1
    assert after.migrated_sha is None
    assert broken(world) == set()


def test_what_is_renamed_back_is_ready_by_itself_with_its_data(
    world: World, superuser: Superuser
) -> None:
    database, _ = grown(world)
    with world.inside(database) as session:
        session.execute("CREATE TABLE kept ()")
    away = f"{world.app}-renamed"
    rename(superuser, database.name, away)
    world.reconcile()
    lost, strays = now(world, database), broken(world)
    rename(superuser, away, database.name)

    world.reconcile()

    assert lost.state is DatabaseState.ERROR
    assert away in strays
    assert world.ready("x").generation == database.generation
    with world.inside(database) as session:
        session.execute("SELECT FROM kept")


def test_fix_of_what_was_lost_keeps_what_is_there_again(world: World, superuser: Superuser) -> None:
    database, _ = grown(world)
    with world.inside(database) as session:
        session.execute("CREATE TABLE kept ()")
    rename(superuser, database.name, f"{world.app}-renamed")
    world.reconcile()
    rename(superuser, f"{world.app}-renamed", database.name)

    by_hand.fix(world.services, now(world, database))

    with world.inside(world.ready("x")) as session:
        session.execute("SELECT FROM kept")


def test_a_mark_is_set_again_by_fix(world: World, superuser: Superuser) -> None:
    database, _ = grown(world)
    unmark(superuser, database)
    world.reconcile()

    by_hand.fix(world.services, now(world, database))

    assert world.ready("x")
    assert broken(world) == set()


@pytest.mark.parametrize("shut", [forbid_connections, forbid_login])
def test_a_ready_database_that_lets_nobody_in_is_opened(
    world: World, superuser: Superuser, shut: Callable[[Superuser, Database], None]
) -> None:
    database, _ = grown(world)
    shut(superuser, database)
    before = broken(world)

    world.reconcile()

    assert before == {database.name}
    assert broken(world) == set()
    with world.inside(world.ready("x")) as session:
        session.execute("SELECT 1")


@pytest.mark.parametrize("opened", [allow_connections, allow_login])
def test_a_deleted_database_that_lets_somebody_in_is_closed(
    world: World, superuser: Superuser, opened: Callable[[Superuser, Database], None]
) -> None:
    database, _ = grown(world)
    by_hand.delete_database(world.services, database.id)
    world.settle()
    quiet = broken(world)
    opened(superuser, database)
    before = broken(world)

    world.reconcile()

    assert quiet == set()
    assert before == {database.name}
    assert broken(world) == set()


def test_logins_of_a_deleted_database_end_whatever_stands_in_its_place(
    world: World, superuser: Superuser
) -> None:
    database, _ = grown(world)
    by_hand.delete_database(world.services, database.id)
    world.settle()
    replace_it(superuser, database)
    allow_login(superuser, database)

    world.reconcile()

    may_log_in = "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s"
    assert superuser.execute(may_log_in, [database.login_role]).fetchone() == (False,)
    assert broken(world) == {database.name}


def test_a_deleted_database_that_was_dropped_leaves_its_place(
    world: World, superuser: Superuser
) -> None:
    database, _ = grown(world)
    world.github.delete_branch(world.repository, "x")
    world.settle()
    drop(superuser, database)
    before = broken(world)
    world.reconcile()
    kept = now(world, database).state

    world.github.push(world.repository, "x")
    world.settle()

    assert before == {database.name}
    assert kept is DatabaseState.DELETED
    assert world.ready("x").id != database.id
    assert now(world, database).state is DatabaseState.GONE
    assert broken(world) == set()


def test_restoring_what_was_dropped_meanwhile_says_so(world: World, superuser: Superuser) -> None:
    _, production = grown(world)
    by_hand.delete_database(world.services, production.id)
    drop(superuser, production)

    with pytest.raises(Conflict, match="no longer on the server"):
        by_hand.restore(world.services, now(world, production))
    world.reconcile()

    after = now(world, production)
    assert (after.state, after.reason_code) == (DatabaseState.ERROR, "database_missing")
    assert production.name not in world.names_on_server()


def test_rows_of_an_older_backup_are_told_of(world: World) -> None:
    database, _ = grown(world)
    by_hand.delete_database(world.services, database.id)
    retention.mark_unwanted(world.services.store, database.id)
    retention.drop_database(world.services, database.id, is_by_hand=True)
    world.state.execute(
        "UPDATE databases SET state = 'ready', is_live = true, is_made = true WHERE id = %s",
        [database.id],
    )

    before = broken(world)
    world.reconcile()

    assert before == {database.name}
    assert now(world, database).reason_code == "database_missing"


def test_a_server_that_does_not_answer_is_no_fault_of_its_databases(world: World) -> None:
    both = grown(world)
    instance = world.services.store.instances.named("tenants")
    address = instance.admin.address
    with Proxy(address.host, address.port) as proxy:
        world.services.store.instances.update(through(instance, proxy.port))
        proxy.pull_out()
        world.reconcile()
        found = broken(world)
    world.services.store.instances.update(instance)

    assert found == set()
    assert {now(world, one).state for one in both} == {DatabaseState.READY}


def test_what_is_being_done_is_no_fault(world: World) -> None:
    database, _ = grown(world)
    instance = world.services.store.instances.named("tenants")
    is_away, may_go_on = Event(), Event()

    def empty() -> None:
        """What a reset does, all under the lock of the database."""
        with world.services.store.databases.exclusively(database.id) as held:
            server = provisioning.server_of(world.services, held)
            server.clear(held.tenant())
            is_away.set()
            may_go_on.wait(30)
            password = provisioning.password_of(world.services, held)
            server.provision(held.tenant(), password=password)

    reset = Thread(target=empty)
    reset.start()
    assert is_away.wait(30)
    found: list[object] = []
    look = Thread(
        target=lambda: found.extend(standing.compare_instance(world.services, instance.id))
    )
    look.start()
    may_go_on.set()
    reset.join()
    look.join()

    assert found == []
    assert world.ready("x")


def test_what_is_on_its_way_out_is_no_stray(world: World, superuser: Superuser) -> None:
    database, _ = grown(world)
    leaving = f"{database.owner_role}-dropping-12345"
    run(superuser, sql.SQL("CREATE DATABASE {}"), leaving)

    found = broken(world)

    run(superuser, sql.SQL("DROP DATABASE {}"), leaving)
    assert found == set()


def test_a_url_is_not_given_for_what_was_lost(world: World, superuser: Superuser) -> None:
    database, _ = grown(world)
    unmark(superuser, database)

    with pytest.raises(ProvisioningFailed) as caught:
        databases.login(
            world.services,
            access.database(world.services, database.id, Connect),
            purpose=AuditEvent.ADDRESS_SHOWN,
        )

    assert caught.value.code == "marker_missing"
    after = now(world, database)
    assert (after.state, after.reason_code) == (DatabaseState.ERROR, "marker_missing")


def test_nothing_is_dropped_by_itself_without_its_mark(world: World, superuser: Superuser) -> None:
    database, _ = grown(world)
    world.github.delete_branch(world.repository, "x")
    world.settle()
    unmark(superuser, database)

    world.pass_time(days=8)
    world.reconcile()
    kept, found = now(world, database).state, broken(world)
    retention.mark_unwanted(world.services.store, database.id)
    retention.drop_database(world.services, database.id, is_by_hand=True)

    assert kept is DatabaseState.DELETED
    assert found == {database.name}
    assert now(world, database).state is DatabaseState.GONE


def test_what_an_older_backup_calls_deleted_is_closed_and_kept_for_its_time(world: World) -> None:
    grown(world)
    preview = world.shared(Environment.PREVIEW)
    assert preview is not None
    world.state.execute(
        "UPDATE databases SET state = 'deleted', closed_because = 'by-hand',"
        " drop_after = now() - interval '1 day' WHERE id = %s",
        [preview.id],
    )

    world.reconcile()
    closed = now(world, preview)
    found = broken(world)
    retention.restore_database(world.services, preview.id)

    assert closed.state is DatabaseState.DELETED
    assert closed.drop_after is not None
    assert closed.drop_after > world.services.clock()
    assert found == set()
    assert now(world, preview).state is DatabaseState.READY


def test_a_drop_that_was_cut_off_leaves_its_place_to_who_wants_it_again(world: World) -> None:
    world.assign()
    preview = world.shared(Environment.PREVIEW)
    assert preview is not None
    by_hand.delete_database(world.services, preview.id)
    retention.mark_unwanted(world.services.store, preview.id)
    # A worker that is killed now has dropped it, and has not written that down.
    instance = world.services.store.instances.get(preview.instance_id)
    world.services.server_for(instance).drop(
        world.services.store.databases.get(preview.id).tenant()
    )

    world.github.push(world.repository, "main")
    world.settle()

    again = world.shared(Environment.PREVIEW)
    assert again is not None
    assert (again.id != preview.id, again.state) == (True, DatabaseState.READY)
