"""What events did not tell is found out; what GitHub gets wrong is never taken for a loss."""

from contextlib import suppress
from dataclasses import replace

import pytest

from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.core.errors import CoppiceError
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import Instance
from app.operations.databases import housekeeping, strays
from demo.github import faults
from tests.integration import states
from tests.integration.by_hand import delete_database
from tests.integration.lifecycle.proxy import Proxy
from tests.integration.lifecycle.world import World

LYING = {
    "404 of everything": (faults.not_found(), ""),
    "404 of the branches": (faults.not_found(), "/branches"),
    "404 of the repository": (faults.not_found(), "/repos/"),
    "404 of the installation": (faults.not_found(), "/app/installations/"),
    "401 of everything": (faults.unauthorized(), ""),
    "500 on page 2": (faults.server_error(500), "branches.*page=2"),
    "404 on page 2": (faults.not_found(), "branches.*page=2"),
    "an empty page 2": (faults.empty_list(), "branches.*page=2"),
    "an empty list of branches": (faults.empty_list(), "/branches"),
    "empty lists of everything": (faults.empty_list(), ""),
    "HTML": (faults.html(), ""),
    "cut answers": (faults.truncated(), ""),
    "a secondary limit": (faults.secondary_limit(30), ""),
    "the primary limit": (faults.primary_limit(900), ""),
}


def silently(world: World, *, creating: list[str], deleting: list[str]) -> None:
    """People work at GitHub, and no event reaches the service."""
    world.github.hook.hold()
    for branch in creating:
        world.github.push(world.repository, branch)
    for branch in deleting:
        world.github.delete_branch(world.repository, branch)
    world.github.hook.release([])


def pass_over(world: World) -> None:
    """A reconcile that GitHub may fail; what it says is for the log."""
    with suppress(CoppiceError):
        housekeeping.reconcile_everything(world.services)
    world.settle()


def test_missed_branches_are_made_and_missed_deletions_found_out_by_two_reads(
    world: World,
) -> None:
    world.assign()
    world.github.push(world.repository, "old")
    world.settle()
    silently(world, creating=["new"], deleting=["old"])

    world.reconcile()
    world.pass_time(minutes=9)
    world.reconcile()
    early = world.ready("old")
    world.pass_time(minutes=2)
    world.reconcile()

    assert world.ready("new")
    assert world.services.store.databases.get(early.id).state is DatabaseState.DELETED


def test_a_branch_that_is_back_in_time_is_forgiven(world: World) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    silently(world, creating=[], deleting=["x"])
    world.reconcile()
    silently(world, creating=["x"], deleting=[])

    world.pass_time(minutes=11)
    world.reconcile()

    assert world.ready("x").missing_since is None


def test_a_fifth_of_an_app_goes_at_most_in_one_pass(world: World) -> None:
    world.assign()
    branches = [f"b{number}" for number in range(10)]
    for branch in branches:
        world.github.push(world.repository, branch)
    world.settle()
    silently(world, creating=[], deleting=branches)
    world.reconcile()

    world.pass_time(minutes=11)
    world.reconcile()

    left = [one for one in branches if (found := world.database(one)) and found.state == "ready"]
    assert len(left) == 8


def test_nothing_is_closed_by_what_github_gets_wrong(
    world: World, subtests: pytest.Subtests
) -> None:
    # A second page of branches, without the databases that this says nothing about.
    world.assign(ignore_patterns=("a*",))
    world.github.push(world.repository, "x")
    world.settle()
    world.github.create_branches(world.repository, [f"a{number:03}" for number in range(110)])
    before = {one.id for one in world.services.store.databases.all(app_id=world.app)}

    for wrong, (fault, path) in LYING.items():
        with subtests.test(wrong):
            world.github.faults.plan(fault, path=path, times=10_000)

            for _ in range(2):
                pass_over(world)
                world.pass_time(minutes=11)

            after = {one.id: one for one in world.services.store.databases.all(app_id=world.app)}
            assert before <= after.keys()
            assert {after[one].state for one in before} == {DatabaseState.READY}
        world.github.faults.clear()
        world.put_retries_forward()
        world.reconcile()
        assert world.ready("x").missing_since is None


def test_what_is_wrong_for_a_while_converges_afterwards(world: World) -> None:
    world.assign()
    world.github.faults.plan(faults.server_error(), times=10_000)
    world.github.push(world.repository, "x")
    world.settle()
    missing = world.database("x")

    world.github.faults.clear()
    world.put_retries_forward()
    world.settle()

    assert missing is None or missing.state is not DatabaseState.READY
    assert world.ready("x")


def test_deliveries_that_failed_are_sent_again(world: World) -> None:
    world.assign()
    url, world.github.webhook_url = world.github.webhook_url, "http://127.0.0.1:1/"
    world.github.push(world.repository, "x")
    world.github.hook.wait()
    world.github.webhook_url = url

    housekeeping.recover_deliveries(world.services, should_stop=lambda: True)
    none = len(world.github.deliveries)
    housekeeping.recover_deliveries(world.services, should_stop=lambda: False)
    world.settle()
    sent = len(world.github.deliveries)
    housekeeping.recover_deliveries(world.services, should_stop=lambda: False)
    world.settle()

    assert none < sent
    assert world.ready("x")
    assert len(world.github.deliveries) == sent


def test_many_branches_without_events_get_their_databases(world: World) -> None:
    # They begin on the first page of GitHub's list, and end on the second.
    world.assign(ignore_patterns=("a*",))
    others = [f"a{number:03}" for number in range(80)]
    branches = [f"b{number:03}" for number in range(24)]
    world.github.create_branches(world.repository, [*others, *branches])

    world.reconcile()

    assert all(world.ready(branch) for branch in branches)


def test_a_server_that_is_away_is_an_error_that_mends_itself(world: World) -> None:
    world.assign()
    instance = world.services.store.instances.named("tenants")
    address = instance.admin.address
    with Proxy(address.host, address.port) as proxy:
        world.services.store.instances.update(through(instance, proxy.port))
        proxy.pull_out()
        world.github.push(world.repository, "x")
        world.settle()
        failed = world.database("x")
        proxy.plug_in()
        world.put_retries_forward()
        world.settle()

    world.services.store.instances.update(instance)

    assert failed is not None
    assert failed.state is DatabaseState.ERROR
    assert "does not accept connections" in (failed.reason or "")
    assert world.ready("x")


def test_logins_are_refused_although_the_server_was_away_when_the_branch_went(
    world: World,
) -> None:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    instance = world.services.store.instances.named("tenants")
    address = instance.admin.address
    with Proxy(address.host, address.port) as proxy:
        world.services.store.instances.update(through(instance, proxy.port))
        proxy.pull_out()
        world.github.delete_branch(world.repository, "x")
        world.settle()
        waiting = world.jobs()
        proxy.plug_in()
        world.put_retries_forward()
        world.settle()
    world.services.store.instances.update(instance)

    database = world.database("x")
    assert database is not None
    assert database.state is DatabaseState.DELETED
    assert "databases:seal" in waiting
    assert world.jobs() == []


def test_unknown_databases_are_told_of_and_left_alone(world: World) -> None:
    world.assign()
    server = world.services.server_for(world.services.store.instances.named("tenants"))
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    token = world.services.new_token()
    forgotten = replace(
        production.tenant(),
        name=DatabaseName(f"{world.app}--forgotten"),
        owner_role=RoleName(f"{world.app}-o-{token}"),
        login_role=RoleName(f"{world.app}-u-{token}"),
        marker="another",
    )
    server.provision(forgotten, password="p" * 40)

    world.pass_time(days=30)
    world.reconcile()
    found = strays.unknown_databases(world.services)
    names = world.names_on_server()
    server.drop(forgotten)

    assert (("tenants", forgotten.name)) in {(one.instance, one.name) for one in found}
    assert forgotten.name in names


def test_a_stranger_under_a_branchs_name_is_an_error_and_stays_as_it_is(world: World) -> None:
    world.assign()
    server = world.services.server_for(world.services.store.instances.named("tenants"))
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    token = world.services.new_token()
    stranger = replace(
        production.tenant(),
        name=DatabaseName(f"{world.app}--x"),
        owner_role=RoleName(f"{world.app}-o-{token}"),
        login_role=RoleName(f"{world.app}-u-{token}"),
        marker="another",
    )
    server.provision(stranger, password="p" * 40)

    world.github.push(world.repository, "x")
    world.settle()
    database = world.database("x")
    is_there = stranger.name in world.names_on_server()
    server.drop(stranger)

    assert database is not None
    assert database.state is DatabaseState.ERROR
    assert database.reason
    assert is_there


def test_branches_from_before_the_app_stay_without_whatever_comes_first(world: World) -> None:
    world.github.create_branch(world.repository, "old")
    world.github.hook.hold()
    world.github.push(world.repository, "x")
    held = world.github.hook.held()
    world.services.store.repositories.save(world.known())
    world.assign_quietly()

    world.github.hook.release(held)
    world.settle()
    world.reconcile()

    assert world.ready("x")
    assert world.database("old") is None


def through(instance: Instance, port: int) -> Instance:
    """The instance, reached at another port."""
    admin = replace(instance.admin, address=replace(instance.admin.address, port=port))
    return replace(instance, admin=admin, public_address=admin.address)


def test_what_a_person_deleted_stays_deleted_until_somebody_pushes(world: World) -> None:
    world.assign()
    sha = world.github.push(world.repository, "x")
    world.settle()
    database = world.ready("x")
    states.migrate(world.services, database.id, sha)
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    delete_database(world.services, database.id)
    delete_database(world.services, production.id)

    world.reconcile()

    for one in (database, production):
        assert world.services.store.databases.get(one.id).state is DatabaseState.DELETED
    world.github.push(world.repository, "x")
    world.github.push(world.repository, "main")
    world.settle()
    for one in (database, production):
        assert world.services.store.databases.get(one.id).state is DatabaseState.READY
