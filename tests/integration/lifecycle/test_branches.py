"""Branches come and go at GitHub, and their databases with them."""

import itertools

import pytest
from psycopg import sql

from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.postgres.sessions import admin_login, open_session
from tests.integration import states
from tests.integration.lifecycle.world import World


def test_assigning_makes_production_and_preview(world: World) -> None:
    world.assign()

    production, preview = world.shared(Environment.PRODUCTION), world.shared(Environment.PREVIEW)
    assert production is not None
    assert preview is not None
    assert (production.state, preview.state) == (DatabaseState.READY, DatabaseState.READY)


def test_assigning_makes_databases_for_open_pull_requests_only(world: World) -> None:
    world.github.create_branch(world.repository, "with-pull-request")
    world.github.create_branch(world.repository, "old")
    world.github.open_pull_request(world.repository, "with-pull-request")

    world.assign()

    assert world.ready("with-pull-request")
    assert world.database("old") is None


def test_a_push_makes_the_branchs_database(world: World) -> None:
    world.assign()

    world.github.push(world.repository, "feature/login")
    world.settle()

    database = world.ready("feature/login")
    assert database.name in world.names_on_server()


def test_an_old_branch_gets_its_database_at_its_next_push(world: World) -> None:
    world.github.create_branch(world.repository, "old")
    world.assign()

    world.github.push(world.repository, "old")
    world.settle()

    assert world.ready("old")


def test_a_push_that_needs_nothing_causes_no_job(world: World) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()

    world.github.push(world.repository, "x")
    world.github.hook.wait()

    assert world.jobs() == []


def test_the_database_check_stands_on_the_pushed_commit(world: World) -> None:
    world.assign()

    sha = world.github.push(world.repository, "x")
    world.settle()

    (check,) = [check for check in world.checks(sha) if check.content.name == "database"]
    assert check.content.conclusion == "success"
    assert world.ready("x").name in check.content.title


def test_the_check_of_the_default_branch_tells_of_production_while_preview_is_well(
    world: World,
) -> None:
    instance = world.services.store.instances.named("tenants")
    name = f"{world.app}-production"
    with open_session(admin_login(instance.admin)) as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    world.assign()

    failed = world.github.push(world.repository, "main")
    world.settle()
    [says_failed] = world.checks(failed)
    with open_session(admin_login(instance.admin)) as session:
        session.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    world.reconcile()

    assert says_failed.content.conclusion == "failure"
    assert name in says_failed.content.title
    [check] = world.checks(failed)
    assert check.content.conclusion == "success"


def test_deleting_the_branch_closes_its_database_and_keeps_it(world: World) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    name = world.ready("x").name

    world.github.delete_branch(world.repository, "x")
    world.settle()

    database = world.database("x")
    assert database is not None
    assert database.state is DatabaseState.DELETED
    assert name in world.names_on_server()


def test_a_deleted_database_goes_after_the_retention_time(world: World) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    name = world.ready("x").name
    world.github.delete_branch(world.repository, "x")
    world.settle()

    world.pass_time(days=7, minutes=1)
    world.reconcile()

    assert name not in world.names_on_server()
    assert world.database("x") is None


def test_a_branch_that_goes_on_gets_its_data_back(world: World) -> None:
    world.assign()
    sha = world.github.push(world.repository, "x")
    world.settle()
    before = world.ready("x")
    states.migrate(world.services, before.id, sha)
    world.github.delete_branch(world.repository, "x")
    world.settle()

    world.github.create_branch(world.repository, "x", sha=sha)
    world.settle()

    assert world.ready("x").id == before.id


def test_another_branch_of_the_same_name_gets_a_fresh_database(world: World) -> None:
    world.assign()
    sha = world.github.push(world.repository, "x")
    world.settle()
    before = world.ready("x")
    states.migrate(world.services, before.id, sha)
    world.github.delete_branch(world.repository, "x")
    world.settle()

    world.github.create_branch(world.repository, "x")
    world.settle()

    after = world.ready("x")
    assert (after.id != before.id, after.name == before.name) == (True, True)
    kept = world.services.store.databases.get(before.id)
    assert kept.state is DatabaseState.DELETED
    assert kept.name in world.names_on_server()


def test_what_was_never_finished_keeps_no_branch_of_the_same_name_from_its_database(
    world: World,
) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    first = world.ready("x")
    # As when the server went away before the mark was set, and the branch before it was back.
    unmark = sql.SQL("COMMENT ON DATABASE {} IS NULL").format(sql.Identifier(first.name))
    admin = world.services.store.instances.named("tenants").admin
    with open_session(admin_login(admin)) as session:
        session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(first.owner_role)))
        session.execute(unmark)
    world.state.execute("UPDATE databases SET is_made = false WHERE id = %s", [first.id])
    world.github.delete_branch(world.repository, "x")
    world.settle()

    world.github.push(world.repository, "x")
    world.settle()

    assert world.ready("x").id != first.id
    assert world.services.store.databases.get(first.id).state is DatabaseState.GONE


@pytest.mark.parametrize("lives", [True, False], ids=["lives", "gone"])
def test_the_order_of_deliveries_does_not_matter(world: World, *, lives: bool) -> None:
    world.assign()
    stories = {}
    for number, order in enumerate(itertools.permutations(range(4))):
        branch = f"order-{number}"
        world.github.hook.hold()
        world.github.create_branch(world.repository, branch)
        world.github.push(world.repository, branch)
        world.github.delete_branch(world.repository, branch)
        held = [each for each in world.github.hook.held() if not each.payload.get("deleted")]
        assert sorted(each.event for each in held) == ["create", "delete", "push", "push"]
        if lives:
            world.github.create_branch(world.repository, branch)
        stories[branch] = [held[position] for position in order]

    for position in range(4):
        world.github.hook.release([deliveries[position] for deliveries in stories.values()])
        world.settle()

    for branch in stories:
        database = world.database(branch)
        if lives:
            assert world.ready(branch)
        else:
            assert database is None or database.state is DatabaseState.DELETED


def test_a_replayed_create_does_not_bring_a_deleted_branch_back(world: World) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    world.github.delete_branch(world.repository, "x")
    world.settle()

    for delivery in [each for each in world.github.deliveries if each.event in {"create", "push"}]:
        world.github.hook.send(delivery.event, delivery.payload)
    world.settle()

    database = world.database("x")
    assert database is not None
    assert database.state is DatabaseState.DELETED


def test_a_replayed_delete_does_not_harm_a_living_branch(world: World) -> None:
    world.assign()
    sha = world.github.push(world.repository, "x")
    world.settle()
    world.github.delete_branch(world.repository, "x")
    world.github.create_branch(world.repository, "x", sha=sha)
    world.settle()
    (deleted,) = [each for each in world.github.deliveries if each.event == "delete"]

    world.github.hook.send("delete", deleted.payload)
    world.settle()

    assert world.ready("x")


def test_branches_that_differ_only_in_case_or_slug_get_databases_of_their_own(
    world: World,
) -> None:
    world.assign()
    branches = [
        "login",
        "Login",
        "feature/login",
        "feature-login",
        "$(id)",
        "a--b",
        "production",
    ]

    for branch in branches:
        world.github.push(world.repository, branch)
    world.settle()

    assert len({world.ready(branch).name for branch in branches}) == len(branches)


def test_tags_and_merge_queue_branches_get_no_database(world: World) -> None:
    world.assign()

    world.github.push(world.repository, "gh-readonly-queue/main/pr-1-abc")
    world.settle()

    assert world.database("gh-readonly-queue/main/pr-1-abc") is None
