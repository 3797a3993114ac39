"""No empty database takes the place of a lost one, but for a Fix."""

from dataclasses import replace
from typing import Any

import pytest

from app.core import names
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import ProvisioningFailed
from app.core.identifiers import BranchName
from app.core.people import Change, See
from app.operations import access
from app.operations.administration import databases
from app.operations.databases import provisioning, standing
from app.operations.databases.readiness import set_going
from tests.integration import by_hand
from tests.integration.lifecycle.test_rivals import grow, has_kept, keep
from tests.integration.lifecycle.test_standing import Superuser, drop, rename, superuser
from tests.integration.lifecycle.world import World
from tests.integration.states import with_store

__all__ = ["superuser"]


def lose(world: World, superuser: Superuser) -> Any:
    database = grow(world)
    drop(superuser, database)
    standing.compare_instance(world.services, database.instance_id)
    lost = world.database("x")
    assert lost is not None
    assert (lost.state, lost.reason_code) == (DatabaseState.ERROR, "database_missing")
    return lost


def test_asking_for_one_that_was_lost_makes_no_empty_one(
    world: World, superuser: Superuser
) -> None:
    lost = lose(world, superuser)
    assigned = access.app(world.services, world.app, See).subject

    databases.create(
        world.services,
        access.location(world.services, assigned, Change, branch="x", environment=None),
    )
    world.settle()

    now = world.database("x")
    assert now is not None
    assert (now.state, now.reason_code) == (DatabaseState.ERROR, "database_missing")
    assert now.generation == lost.generation


def test_a_job_that_saw_it_fail_before_it_was_lost_makes_no_empty_one(
    world: World, superuser: Superuser
) -> None:
    lost = lose(world, superuser)
    assignment = world.services.store.apps.assignment(world.app)
    assert assignment
    seen = replace(lost, reason_code="server_unreachable")

    class Old:
        """What the request read a moment before."""

        def live(self, *_: object) -> Any:
            return seen

        def __getattr__(self, name: str) -> Any:
            return getattr(world.services.store.databases, name)

    old: Any = Old()
    services = with_store(world.services, databases=old)
    set_going(services, assignment, Environment.BRANCH, BranchName("x"))
    world.settle()

    now = world.database("x")
    assert now is not None
    assert (now.state, now.generation) == (DatabaseState.ERROR, lost.generation)


def test_one_that_was_renamed_away_is_named_when_it_is_dropped(
    world: World, superuser: Superuser
) -> None:
    database = grow(world)
    away = f"{world.app}-elsewhere"
    rename(superuser, database.name, away)

    with pytest.raises(ProvisioningFailed) as caught:
        by_hand.drop(world.services, database)

    assert caught.value.code == "role_in_use"
    assert f"its role owns {away}" in str(caught.value)
    assert f"Rename it back to {database.name}" in caught.value.advice
    rename(superuser, away, database.name)


def set_aside_by_halves(world: World) -> Database:
    """What a worker leaves that ends between the two halves of setting a database aside."""
    database = grow(world)
    keep(world, database)
    deleted = by_hand.delete(world.services, database)
    aside = names.retired_name(database.app_id, database.id)
    with world.services.store.databases.exclusively(deleted.id) as held:
        tenant = provisioning.tenant_of(world.services.store, held)
        provisioning.server_of(world.services, held).rename(tenant, new_name=aside)
    assert aside in world.names_on_server()
    return held


def test_one_that_was_set_aside_by_halves_is_found_by_the_next_look(world: World) -> None:
    database = set_aside_by_halves(world)

    found = standing.compare_instance(world.services, database.instance_id)

    assert [one.database.id for one in found] == [database.id]
    assert standing.compare_instance(world.services, database.instance_id) == []
    assert has_kept(world, by_hand.restore(world.services, database))


def test_one_that_was_set_aside_by_halves_and_lost_its_mark_keeps_no_other_from_being_looked_at(
    world: World, superuser: Superuser
) -> None:
    database = set_aside_by_halves(world)
    aside = names.retired_name(database.app_id, database.id)
    superuser.execute(f'COMMENT ON DATABASE "{aside}" IS NULL'.encode())
    world.github.push(world.repository, "y")
    world.settle()
    drop(superuser, world.ready("y"))

    found = standing.compare_instance(world.services, database.instance_id)

    assert {one.database.branch for one in found} == {"x", "y"}
    other = world.database("y")
    assert other is not None
    assert other.state is DatabaseState.ERROR
    assert aside in world.names_on_server()
    superuser.execute(f"COMMENT ON DATABASE \"{aside}\" IS '{database.marker}'".encode())
    standing.compare_instance(world.services, database.instance_id)
    assert database.name in world.names_on_server()


def test_one_that_was_set_aside_by_halves_is_restored(world: World) -> None:
    database = set_aside_by_halves(world)

    restored = by_hand.restore(world.services, database)

    assert restored.name == database.name
    assert has_kept(world, restored)


def test_one_that_was_set_aside_by_halves_is_dropped_whole(world: World) -> None:
    database = set_aside_by_halves(world)

    by_hand.drop(world.services, database)

    assert world.services.store.databases.get(database.id).state is DatabaseState.GONE
    aside = names.retired_name(database.app_id, database.id)
    assert not {aside, database.name} & set(world.names_on_server())


def test_of_a_deleted_one_that_is_gone_its_kept_data_is_missed(
    world: World, superuser: Superuser
) -> None:
    database = grow(world)
    by_hand.delete(world.services, database)
    drop(superuser, database)
    instance = world.services.store.instances.get(database.instance_id)

    [found] = [
        one
        for one in standing.confirmed_differences(world.services, instance)
        if one.database.id == database.id
    ]

    assert "The data that was kept of the deleted" in str(found.told)
    assert f"coppice databases delete {database.name} --now" in found.told.advice
    assert "Fix" not in found.told.advice
