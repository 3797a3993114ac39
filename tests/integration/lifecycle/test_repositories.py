"""Repositories are renamed, moved, archived and lost, and their databases outlive it rightly."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from app import bootstrap
from app.config import Config
from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, Forbidden
from app.core.identifiers import InstallationId, RepositoryId
from app.core.repositories import InstallationState, Repository
from app.operations.databases.installations import reconcile_installation
from app.operations.databases.reconciliation import reconcile_repository
from app.operations.services import Services
from demo.github.server import LocalGitHub
from tests.integration.lifecycle.world import World, settings_of
from tests.integration.states import migrate


def stored(world: World) -> Repository:
    found = world.services.store.repositories.get(RepositoryId(world.repository.id))
    assert found is not None
    return found


def grown(world: World) -> None:
    """An app with production, preview and the database of a migrated branch."""
    world.assign()
    sha = world.github.push(world.repository, "x")
    world.settle()
    migrate(world.services, world.ready("x").id, sha)


def states(world: World) -> set[DatabaseState]:
    return {one.state for one in world.services.store.databases.all(app_id=world.app)}


def test_a_renamed_repository_keeps_its_databases(world: World) -> None:
    grown(world)

    world.github.rename(world.repository, "store")
    world.settle()
    world.github.push(world.repository, "y")
    world.settle()

    assert stored(world).full_name == "acme/store"
    assert world.ready("x")
    assert world.ready("y")


def test_a_transfer_to_an_account_with_the_app_goes_on_there(world: World) -> None:
    grown(world)
    there = world.github.organization("globex")
    installation = world.github.install(there)

    world.github.transfer(world.repository, there)
    world.settle()

    found = stored(world)
    assert (found.owner_id, found.installation_id) == (there.id, installation.id)
    assert states(world) == {DatabaseState.READY}


@pytest.mark.parametrize("private", [True, False], ids=["private", "public"])
def test_a_transfer_to_an_account_without_the_app_closes_until_it_is_installed(
    world: World, *, private: bool
) -> None:
    world.repository.is_private = private
    grown(world)
    before = world.ready("x")
    there = world.github.organization("globex")

    world.github.transfer(world.repository, there)
    world.reconcile()
    closed = (stored(world).installation_state, states(world))
    world.github.install(there)
    world.settle()

    assert closed == (InstallationState.REMOVED, {DatabaseState.DELETED})
    assert stored(world).installation_state is InstallationState.ACTIVE
    assert world.ready("x").id == before.id
    assert states(world) == {DatabaseState.READY}


def test_an_archived_repository_keeps_everything_and_goes_on_when_it_is_unarchived(
    world: World,
) -> None:
    grown(world)
    world.github.archive(world.repository)
    world.settle()
    is_archived = stored(world).is_archived
    world.pass_time(days=30)
    world.reconcile()

    world.github.archive(world.repository, archived=False)
    world.github.push(world.repository, "y")
    world.settle()

    assert is_archived
    assert states(world) == {DatabaseState.READY}
    assert world.ready("y")


def lose_by_deletion(world: World) -> None:
    world.github.delete_repository(world.repository)


def lose_by_selection(world: World) -> None:
    world.github.remove_repository(world.installation, world.repository)


def lose_by_uninstalling(world: World) -> None:
    world.github.uninstall(world.installation)


@pytest.mark.parametrize("lose", [lose_by_deletion, lose_by_selection, lose_by_uninstalling])
def test_losing_a_repository_closes_all_at_once_and_never_drops_production(
    world: World, lose: Callable[[World], None]
) -> None:
    grown(world)
    names = set(world.names_on_server())

    lose(world)
    world.settle()
    closed = states(world)
    kept = set(world.names_on_server())
    world.pass_time(days=8)
    world.reconcile()

    assert closed == {DatabaseState.DELETED}
    assert kept == names
    assert world.names_on_server() == [f"{world.app}-production"]


def test_installing_again_opens_what_was_closed(world: World) -> None:
    grown(world)
    before = {one.id for one in world.services.store.databases.all(app_id=world.app)}
    world.github.uninstall(world.installation)
    world.settle()

    world.github.install(world.repository.owner)
    world.settle()

    assert states(world) == {DatabaseState.READY}
    assert {one.id for one in world.services.store.databases.all(app_id=world.app)} == before


def test_installing_again_while_the_service_was_away_saves_what_would_be_dropped(
    world: World,
) -> None:
    grown(world)
    world.github.uninstall(world.installation)
    world.settle()
    world.pass_time(days=8)
    url, world.github.webhook_url = world.github.webhook_url, None
    world.github.install(world.repository.owner)
    world.github.webhook_url = url

    world.reconcile()

    assert states(world) >= {DatabaseState.READY}
    assert f"{world.app}-preview" in world.names_on_server()
    preview = world.shared(Environment.PREVIEW)
    assert preview is not None
    assert preview.state is DatabaseState.READY


def test_a_suspended_installation_drops_nothing_and_goes_on_when_unsuspended(
    world: World,
) -> None:
    grown(world)
    world.github.suspend(world.installation)
    world.settle()
    suspended = stored(world).installation_state
    world.pass_time(days=30)
    world.reconcile()
    kept = states(world)

    world.github.unsuspend(world.installation)
    world.settle()

    assert suspended is InstallationState.SUSPENDED
    assert kept == {DatabaseState.READY}
    assert stored(world).installation_state is InstallationState.ACTIVE


def test_production_stays_the_same_database_when_the_default_branch_changes(
    world: World,
) -> None:
    grown(world)
    production = world.shared(Environment.PRODUCTION)

    world.github.change_default_branch(world.repository, "x")
    world.settle()
    world.github.push(world.repository, "main")
    world.settle()
    leftover = world.ready("x")
    world.reconcile()
    world.pass_time(minutes=11)
    world.reconcile()

    after = world.shared(Environment.PRODUCTION)
    assert production is not None
    assert after is not None
    assert (after.id, after.state) == (production.id, DatabaseState.READY)
    assert world.ready("main").id not in {production.id, leftover.id}
    assert world.services.store.databases.get(leftover.id).state is DatabaseState.DELETED
    assert leftover.name in world.names_on_server()


def test_a_renamed_branch_gets_a_fresh_database_and_its_old_one_is_kept(world: World) -> None:
    grown(world)
    before = world.ready("x")

    world.github.rename_branch(world.repository, "x", "y")
    world.settle()

    assert world.ready("y").id != before.id
    assert world.services.store.databases.get(before.id).state is DatabaseState.DELETED
    assert before.name in world.names_on_server()


def test_each_app_of_a_repository_has_databases_of_its_own(world: World) -> None:
    world.assign()
    second = f"{world.app}2"
    world.assign(second)

    world.github.push(world.repository, "x")
    world.settle()
    other = world.database("x", second)
    world.github.delete_branch(world.repository, "x")
    world.settle()

    assert other is not None
    assert other.state is DatabaseState.READY
    after = [world.database("x"), world.database("x", second)]
    assert [one.state for one in after if one] == [DatabaseState.DELETED] * 2


def test_ignored_branches_get_no_database(world: World) -> None:
    world.assign(ignore_patterns=("dependabot/**",))

    world.github.push(world.repository, "dependabot/npm/left-pad")
    world.github.push(world.repository, "x")
    world.settle()

    assert world.database("dependabot/npm/left-pad") is None
    assert world.ready("x")


def test_an_ended_assignment_leaves_its_databases_alone(world: World) -> None:
    grown(world)
    world.services.store.apps.remove(world.app)

    world.github.delete_branch(world.repository, "x")
    world.github.push(world.repository, "y")
    world.settle()
    world.pass_time(days=30)
    world.reconcile()

    assert states(world) == {DatabaseState.READY}
    assert world.database("y") is None


def test_an_instance_with_an_app_cannot_be_forgotten(world: World) -> None:
    grown(world)
    instance = world.services.store.instances.named("tenants")

    with pytest.raises(Conflict):
        world.services.store.instances.begin_deletion(instance.id)
    assert states(world) == {DatabaseState.READY}


@contextmanager
def another_app(world: World) -> Iterator[Services]:
    """The service after its operator gave it another App, which is installed nowhere yet."""
    with LocalGitHub() as github:
        github.context.identity = replace(github.context.identity, id=github.app_id + 1)
        changed = settings_of(github, world.dsn, world.settings["COPPICE_DATA_DIR"])
        kept = {"COPPICE_SECRET_KEYS": world.settings["COPPICE_SECRET_KEYS"]}
        config = Config.from_environ(changed | kept)
        with (
            bootstrap.open_state(config) as state,
            bootstrap.open_services(config, state, world.clusters) as services,
        ):
            yield services


def test_another_app_that_sees_nothing_closes_nothing(world: World) -> None:
    grown(world)
    with another_app(world) as services:
        with pytest.raises(Forbidden, match="another GitHub App"):
            reconcile_installation(services, InstallationId(world.installation.id))
        with pytest.raises(Forbidden, match="another GitHub App"):
            reconcile_repository(services, RepositoryId(world.repository.id))
    world.settle()

    assert states(world) == {DatabaseState.READY}
    assert stored(world).installation_state is InstallationState.ACTIVE
