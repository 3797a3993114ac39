"""The role that owns what is inside the branch databases of an app, over the life of these."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import connect, sql

from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import ProvisioningFailed
from app.core.identifiers import BranchName, RoleName
from app.core.standing import Fault
from app.operations.databases import provisioning, standing
from app.operations.ports.postgres import JobLoginRequest
from tests.integration import by_hand
from tests.integration.lifecycle.test_standing import Superuser, broken, superuser
from tests.integration.lifecycle.world import World

__all__ = ["superuser"]


def intended(world: World, branch: str) -> Database:
    assignment = world.services.store.apps.assignment(world.app)
    assert assignment is not None
    return provisioning.intend_database(
        world.services, assignment, Environment.BRANCH, BranchName(branch)
    )


def made(world: World, *branches: str) -> list[Database]:
    return [
        provisioning.ensure_database(world.services, intended(world, branch).id)
        for branch in branches
    ]


def existing(superuser: Superuser, roles: Sequence[str | None]) -> set[str]:
    query = "SELECT rolname::text FROM pg_roles WHERE rolname = ANY (%s)"
    return {str(name) for (name,) in superuser.execute(query, [list(roles)])}


def owners(world: World, database: Database) -> set[str]:
    """Who owns the schema and the tables inside."""
    with world.inside(database) as session:
        rows = session.execute(
            "SELECT pg_get_userbyid(nspowner)::text FROM pg_namespace WHERE nspname = 'public'"
            " UNION SELECT tableowner FROM pg_tables WHERE schemaname = 'public'"
        )
        return {str(owner) for (owner,) in rows}


def run_as_job(world: World, database: Database, statement: str) -> None:
    """What a run does, from its login to the end of that."""
    services = world.services
    server = provisioning.server_of(services, database)
    with services.store.databases.exclusively(database.id) as held:
        tenant = provisioning.tenant_of(services.store, held)
        request = JobLoginRequest(
            role=RoleName(f"{database.app_id}-j-{services.new_token()}"),
            password=services.new_secret(),
            valid_until=datetime.now(UTC) + timedelta(minutes=5),
        )
        server.open_job_login(tenant, request)
        address = services.instance_of(database).admin.address
        with connect(
            host=address.host,
            port=address.port,
            dbname=database.name,
            user=request.role,
            password=request.password,
        ) as session:
            session.execute(statement.encode())
        password = provisioning.password_of(services, held)
        assert server.close_job_login(tenant, request.role, password=password).left is None


def test_a_database_of_an_earlier_version_lives_on_and_shares_the_role_after_its_next_reset(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.assign_without_shared()
    with monkeypatch.context() as earlier:
        earlier.setattr(Environment, "shares_data_role", False)
        [old] = made(world, "old")
    [new] = made(world, "new")
    password = world.services.store.databases.password(old.id)
    assert (old.data_role, old.inner_owner) == (None, old.login_role)
    run_as_job(world, old, "CREATE TABLE t (a int)")
    old = by_hand.restore(world.services, by_hand.delete(world.services, old))
    old = by_hand.fix(world.services, old)
    run_as_job(world, old, "ALTER TABLE t ADD COLUMN b int")
    assert owners(world, old) == {old.login_role}

    after = by_hand.reset(world.services, old)

    assert (after.state, after.data_role) == (DatabaseState.READY, new.data_role)
    assert (after.id, after.name, after.login_role) == (old.id, old.name, old.login_role)
    assert world.services.store.databases.password(old.id) == password
    run_as_job(world, after, "CREATE TABLE t (a int)")
    assert owners(world, after) == {new.data_role}
    assert owners(world, by_hand.reset(world.services, after)) == {new.data_role}


def test_what_an_app_has_first_is_made_with_one_role_which_goes_with_the_last(
    world: World, superuser: Superuser
) -> None:
    world.assign_without_shared()
    with ThreadPoolExecutor(max_workers=4) as workers:
        rows = list(workers.map(lambda branch: intended(world, branch), "abcd"))
        ready = list(
            workers.map(lambda row: provisioning.ensure_database(world.services, row.id), rows)
        )

    [shared] = {one.data_role for one in ready}
    assert [one.state for one in ready] == [DatabaseState.READY] * 4
    for one in ready[1:]:
        by_hand.drop(world.services, one)
        assert existing(superuser, [shared]) == {shared}
    assert owners(world, ready[0]) == {shared}
    by_hand.drop(world.services, ready[0])
    assert existing(superuser, [shared]) == set()
    [again] = made(world, "again")
    assert again.data_role == shared


def test_a_data_role_that_is_missing_is_told_and_made_again(
    world: World, superuser: Superuser
) -> None:
    world.assign_without_shared()
    [database] = made(world, "x")
    take_role_away(superuser, database)

    assert broken(world) == {database.name}
    with pytest.raises(ProvisioningFailed, match="The role that is to own what is inside"):
        run_as_job(world, database, "CREATE SCHEMA nowhere")
    [difference] = standing.compare_instance(world.services, database.instance_id)
    world.settle()

    assert difference.fault is Fault.OWNERLESS
    assert existing(superuser, [database.data_role]) == {database.data_role}
    assert broken(world) == set()
    run_as_job(world, world.ready("x"), "CREATE SCHEMA works")
    # Nor does it keep one from being closed, or dropped.
    take_role_away(superuser, database)
    by_hand.drop(world.services, world.ready("x"))
    assert existing(superuser, [database.login_role, database.owner_role]) == set()


def take_role_away(superuser: Superuser, database: Database) -> None:
    """As an administrator can who first takes all from it."""
    role, login = sql.Identifier(database.data_role or ""), sql.Identifier(database.login_role)
    with connect(
        host=superuser.info.host,
        port=superuser.info.port,
        user=superuser.info.user,
        password=superuser.info.password,
        dbname=database.name,
        autocommit=True,
    ) as session:
        session.execute(sql.SQL("REASSIGN OWNED BY {} TO {}").format(role, login))
        session.execute(sql.SQL("DROP OWNED BY {}").format(role))
        session.execute(sql.SQL("DROP ROLE {}").format(role))
