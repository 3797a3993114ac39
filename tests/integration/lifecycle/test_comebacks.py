"""Access to a repository ends and comes back: what lived on meanwhile has its data still."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.core.databases import Closing, Database, DatabaseState
from app.core.environments import Environment
from app.operations.databases import provisioning
from tests.integration import states
from tests.integration.by_hand import delete_database
from tests.integration.lifecycle.world import World

ROW = "written before access ended"


def grown(world: World, *branches: str) -> list[Database]:
    """Databases of branches, with a row in each; none was migrated."""
    world.assign()
    for branch in branches:
        world.github.push(world.repository, branch)
    world.settle()
    found = [world.ready(branch) for branch in branches]
    for database in found:
        write(world, database)
    return found


def write(world: World, database: Database) -> None:
    with world.inside(database) as session:
        session.execute("CREATE TABLE kept (text text)")
        session.execute("INSERT INTO kept VALUES (%s)", [ROW])


def rows(world: World, database: Database) -> list[object]:
    """What was written, if anything is left of it."""
    with world.inside(database) as session:
        if not session.execute("SELECT FROM pg_tables WHERE tablename = 'kept'").rowcount:
            return []
        return [text for (text,) in session.execute("SELECT text FROM kept")]


def silently(world: World, *changes: Callable[[], object]) -> None:
    """People work at GitHub, and no event reaches the service."""
    world.github.hook.hold()
    for change in changes:
        change()
    world.github.hook.release([])


def uninstall(world: World) -> None:
    world.github.uninstall(world.installation)
    world.settle()


def install(world: World) -> None:
    world.installation = world.github.install(world.repository.owner)
    world.settle()


def deselect(world: World) -> None:
    world.github.remove_repository(world.installation, world.repository)
    world.settle()


def select(world: World) -> None:
    world.github.add_repository(world.installation, world.repository)
    world.settle()


WAYS = {"installed anew": (uninstall, install), "selected again": (deselect, select)}


@pytest.mark.parametrize(("end", "begin"), WAYS.values(), ids=WAYS.keys())
def test_branches_that_lived_on_find_their_data_wherever_they_went(
    world: World, end: Callable[[World], None], begin: Callable[[World], None]
) -> None:
    never_migrated, moved = before = grown(world, "x", "moved")
    elsewhere = world.github.push(world.repository, "elsewhere")
    states.migrate(world.services, moved.id, elsewhere)
    end(world)
    closed = {world.services.store.databases.get(one.id).closed_because for one in before}

    begin(world)

    assert closed == {Closing.ACCESS_ENDED}
    for one in (never_migrated, moved):
        after = world.ready(str(one.branch))
        assert after.id == one.id
        assert rows(world, after) == [ROW]


def test_the_database_for_local_work_comes_back_too(world: World) -> None:
    assignment = world.assign()
    dev = provisioning.intend_database(world.services, assignment, Environment.DEV)
    provisioning.ensure_database(world.services, dev.id)
    uninstall(world)
    closed = world.services.store.databases.get(dev.id).state

    install(world)

    shadow = world.shared(Environment.SHADOW)
    assert closed is DatabaseState.DELETED
    assert world.services.store.databases.get(dev.id).state is DatabaseState.READY
    assert shadow is not None
    assert shadow.state is DatabaseState.READY


def test_a_branch_that_is_ignored_by_now_has_its_database_again(world: World) -> None:
    (before,) = grown(world, "x")
    assignment = world.services.store.apps.assignment(world.app)
    assert assignment is not None
    uninstall(world)
    policies = replace(assignment.policies, ignore_patterns=("x",))
    world.services.store.apps.edit(replace(assignment, policies=policies))

    install(world)

    assert world.ready("x").id == before.id


def test_a_branch_that_went_meanwhile_keeps_nothing_for_its_namesake(world: World) -> None:
    (before,) = grown(world, "x")
    uninstall(world)
    silently(world, lambda: world.github.delete_branch(world.repository, "x"))
    install(world)
    world.pass_time(minutes=11)
    world.reconcile()
    found = world.services.store.databases.get(before.id)

    world.github.push(world.repository, "x")
    world.settle()

    assert (found.state, found.closed_because) == (DatabaseState.DELETED, Closing.BRANCH_DELETED)
    assert found.drop_after is not None
    assert world.ready("x").id != before.id


def test_a_branch_that_was_seen_missing_once_is_looked_at_by_its_history(world: World) -> None:
    (before,) = grown(world, "x")
    uninstall(world)
    silently(world, lambda: world.github.delete_branch(world.repository, "x"))
    install(world)

    world.github.push(world.repository, "x")
    world.settle()

    assert world.ready("x").id != before.id


def test_what_a_person_deleted_stays_deleted_when_access_comes_back(world: World) -> None:
    (before,) = grown(world, "x")
    uninstall(world)
    delete_database(world.services, before.id)

    install(world)

    assert world.services.store.databases.get(before.id).state is DatabaseState.DELETED


def test_what_was_away_for_longer_than_its_time_is_dropped(world: World) -> None:
    (before,) = grown(world, "x")
    uninstall(world)
    world.pass_time(days=8)
    world.reconcile()

    install(world)

    assert world.services.store.databases.get(before.id).state is DatabaseState.GONE
    assert rows(world, world.ready("x")) == []


def test_a_branch_that_was_the_default_for_a_while_finds_its_data(world: World) -> None:
    (before,) = grown(world, "x")
    world.github.change_default_branch(world.repository, "x")
    world.settle()
    world.reconcile()
    world.pass_time(minutes=11)
    world.reconcile()
    closed = world.services.store.databases.get(before.id)

    world.github.change_default_branch(world.repository, "main")
    world.settle()

    assert (closed.state, closed.closed_because) == (
        DatabaseState.DELETED,
        Closing.BECAME_DEFAULT,
    )
    after = world.ready("x")
    assert after.id == before.id
    assert rows(world, after) == [ROW]


def test_what_was_closed_before_it_was_finished_is_made(world: World) -> None:
    world.assign()
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    world.state.execute("UPDATE databases SET ready_at = NULL, is_made = false")
    instance = world.services.store.instances.get(production.instance_id)
    world.services.server_for(instance).drop(production.tenant())
    uninstall(world)

    install(world)

    after = world.shared(Environment.PRODUCTION)
    assert after is not None
    assert (after.id, after.state) == (production.id, DatabaseState.READY)
