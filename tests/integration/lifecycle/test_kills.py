"""Workers killed between any two steps: the next one ends right, and nothing is left over."""

import json
import subprocess
from functools import partial
from itertools import count
from typing import LiteralString

import psycopg
import pytest

from app.core import lifecycle
from app.core.assignments import Parent
from app.core.databases import Closing, Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import AppId, CommitSha, RepositoryId, WorkflowRunId
from app.core.instances import AdminLogin
from app.core.intents import DropDatabase, EnsureDatabase, FinishTemplate, RebuildDatabase
from app.core.runs import CredentialKind, Migration, MigrationResult, Outcome, Run
from app.operations.databases import provisioning
from tests.integration import by_hand, states
from tests.integration.lifecycle.world import World, state_url

pytestmark = pytest.mark.own_service


class DyingWorker:
    """Works until it is killed before a chosen call."""

    def __init__(self, process: "subprocess.Popen[str]", settings: dict[str, str]) -> None:
        self._process = process
        self._settings = settings

    def dies(self, *, before_call: int) -> bool:
        """False if it worked to the end before it came to that call."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([self._settings, before_call]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer in ("killed", "finished 0")
        return answer == "killed"


@pytest.fixture
def worker(world: World, dying_worker: "subprocess.Popen[str]") -> DyingWorker:
    return DyingWorker(dying_worker, world.settings)


def test_creating_ends_with_one_database_its_roles_and_one_check(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    finish(world)

    for call in count(1):
        sha = push(world, f"n{call}")
        died = worker.dies(before_call=call)
        finish(world)

        database = world.ready(f"n{call}")
        assert traces_of(postgres_superuser, database) == 3
        assert shares_role(postgres_superuser, database)
        (check,) = world.github.check_runs(world.repository, sha)
        assert check.conclusion == "success"
        if not died:
            break
    assert call > 15


def test_deleting_ends_with_logins_refused_and_data_kept(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    finish(world)

    for call in count(1):
        grow(world, f"n{call}")
        world.github.delete_branch(world.repository, f"n{call}")
        world.github.hook.wait()
        died = worker.dies(before_call=call)
        finish(world)

        database = world.database(f"n{call}")
        assert database is not None
        assert database.state is DatabaseState.DELETED
        assert not is_open(postgres_superuser, database)
        if not died:
            break
    assert call > 3


def test_restoring_ends_with_the_same_database_open(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    before, sha = grow(world, "x")
    states.migrate(world.services, before.id, sha)

    for call in count(1):
        by_hand.delete_database(world.services, before.id)
        finish(world)
        push(world, "x")
        died = worker.dies(before_call=call)
        finish(world)

        assert world.ready("x").id == before.id
        assert is_open(postgres_superuser, before)
        if not died:
            break
    assert call > 12


def test_starting_afresh_ends_with_a_new_database_and_the_old_one_kept(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    before, _ = grow(world, "x")

    for call in count(1):
        by_hand.delete_database(world.services, before.id)
        finish(world)
        push(world, "x")
        died = worker.dies(before_call=call)
        finish(world)

        after, kept = world.ready("x"), world.services.store.databases.get(before.id)
        assert after.id != before.id
        assert (kept.state, kept.is_live) == (DatabaseState.DELETED, False)
        assert is_open(postgres_superuser, after)
        assert not is_open(postgres_superuser, kept)
        if not died:
            break
        before = after
    assert call > 15


def test_rebuilding_empties_once_and_ends_ready(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    database, _ = grow(world, "x")

    for call in count(1):
        # As one that an earlier version made.
        world.state.execute("UPDATE databases SET data_role = NULL WHERE id = %s", [database.id])
        before = world.services.store.databases.get(database.id)
        world.services.store.queue.add(
            [RebuildDatabase(database_id=before.id, generation=before.generation)]
        )
        died = worker.dies(before_call=call)
        finish(world)

        after = world.ready("x")
        assert (after.id, after.generation) == (before.id, before.generation + 1)
        assert traces_of(postgres_superuser, after) == 3
        assert after.data_role == database.data_role
        assert shares_role(postgres_superuser, after)
        if not died:
            break
    assert call > 10


def test_dropping_ends_with_nothing_left(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    finish(world)

    for call in count(1):
        before, _ = grow(world, f"n{call}")
        world.github.delete_branch(world.repository, f"n{call}")
        world.github.hook.wait()
        finish(world)
        forget(world, before)
        died = worker.dies(before_call=call)
        finish(world)

        assert world.services.store.databases.get(before.id).state is DatabaseState.GONE
        assert traces_of(postgres_superuser, before) == 0
        if not died:
            break
    assert call > 3


@pytest.mark.parametrize("result", [MigrationResult.SUCCESS, MigrationResult.FAILURE])
def test_finishing_a_template_ends_with_one_that_is_current_and_nobody_in_it(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin, result: MigrationResult
) -> None:
    world.assign_without_shared(parent=Parent.FIXTURE)
    databases = world.services.store.databases
    before = new_template(world)
    end_migration(world, before, MigrationResult.SUCCESS)
    finish(world)

    for call in count(1):
        template = new_template(world)
        end_migration(world, template, result)
        died = worker.dies(before_call=call)
        meanwhile = databases.current_template(template.app_id, template.instance_id)
        assert meanwhile is not None
        assert not is_open(postgres_superuser, meanwhile)
        finish(world)

        current = databases.current_template(template.app_id, template.instance_id)
        assert current is not None
        assert not is_open(postgres_superuser, current)
        if result is MigrationResult.SUCCESS:
            assert current.id == template.id
            assert databases.get(before.id).drop_after is not None
            before = template
        else:
            assert current.id == before.id
            assert databases.get(template.id).state is DatabaseState.GONE
            assert traces_of(postgres_superuser, template) == 0
        if not died:
            break
    assert call > 3
    clone, _ = grow(world, "x")
    assert clone.cloned_from == before.id


def new_template(world: World) -> Database:
    """One that a run may fill."""
    assignment = world.services.store.apps.assignment(AppId(world.app))
    assert assignment is not None
    made = provisioning.intend_database(world.services, assignment, Environment.TEMPLATE, None)
    world.services.store.queue.add([EnsureDatabase(database_id=made.id)])
    finish(world)
    return world.services.store.databases.get(made.id)


def end_migration(world: World, template: Database, result: MigrationResult) -> None:
    """A run of the default branch was at the template, and is over."""
    store, now = world.services.store, world.services.clock()
    run = store.runs.start(
        Run(
            app_id=template.app_id,
            repository_id=RepositoryId(world.repository.id),
            workflow_run_id=WorkflowRunId(template.id),
            workflow_attempt=1,
            workflow_job_id=None,
            job_name="database",
            event="push",
            head_sha=CommitSha("a" * 40),
            branch=None,
            environments=(Environment.PRODUCTION, Environment.TEMPLATE),
            primary=Environment.PRODUCTION,
            migrates=True,
            credentials=CredentialKind.JOB,
            export_env=False,
            credentials_minutes=60,
            timeout_minutes=30,
            command="migrate",
            created_at=now,
        ),
        key=f"{template.id:032}",
    )
    migration = Migration(
        run_id=run.id,
        database_id=template.id,
        environment=Environment.TEMPLATE,
        generation=template.generation,
        rebuilt=False,
        started_at=now,
    )
    taken = store.migrations.take(migration, expires_at=now)
    assert taken is not None
    outcome = Outcome(result=result, exit_code=0, duration_seconds=1.5, log_tail="")
    store.migrations.finish(taken[0].id, outcome, at=now)
    store.leases.release(taken[0].id)
    store.queue.add([FinishTemplate(database_id=template.id)])


def push(world: World, branch: str) -> str:
    """A commit that the service has heard of."""
    sha = world.github.push(world.repository, branch)
    world.github.hook.wait()
    return sha


def grow(world: World, branch: str) -> tuple[Database, str]:
    sha = push(world, branch)
    finish(world)
    return world.ready(branch), sha


def finish(world: World) -> None:
    """Work until nothing is left to do; jobs cause jobs, and some wait for others' locks."""
    for _ in range(10):
        world.work()
        if not world.jobs():
            return
        world.renew_budget()
        world.put_retries_forward()
    raise AssertionError(f"left over: {world.jobs()}")


def forget(world: World, database: Database) -> None:
    """Its retention time is over: the dying worker's clock is not the story's."""
    with world.services.store.databases.exclusively(database.id) as held:
        over = partial(
            lifecycle.deleted,
            because=Closing.BRANCH_DELETED,
            drop_after=world.services.clock(),
        )
        drop = DropDatabase(database_id=database.id)
        world.services.store.databases.apply(held, over, then=[drop])


def traces_of(superuser: AdminLogin, database: Database) -> int:
    """How many databases and roles on the server are its: one and two when it is whole."""
    return query(
        superuser,
        "SELECT FROM pg_roles WHERE starts_with(rolname::text, %(login)s) OR rolname = %(owner)s"
        " UNION ALL SELECT FROM pg_database WHERE datname = %(name)s",
        database,
    )


def is_open(superuser: AdminLogin, database: Database) -> bool:
    """Whether its login gets in."""
    return (
        query(
            superuser,
            "SELECT FROM pg_database, pg_roles WHERE datname = %(name)s AND datallowconn"
            " AND rolname = %(login)s AND rolcanlogin",
            database,
        )
        == 1
    )


def shares_role(superuser: AdminLogin, database: Database) -> bool:
    """Whether its data role may make things in it and not enter, and its login acts as that."""
    return (
        query(
            superuser,
            "SELECT FROM pg_auth_members WHERE pg_get_userbyid(roleid) = %(shared)s"
            " AND pg_get_userbyid(member) = %(login)s AND inherit_option AND set_option"
            " AND has_database_privilege(%(shared)s, %(name)s, 'CREATE')"
            " AND NOT has_database_privilege(%(shared)s, %(name)s, 'CONNECT')",
            database,
        )
        == 1
    )


def query(superuser: AdminLogin, text: LiteralString, database: Database) -> int:
    names = {
        "login": database.login_role,
        "owner": database.owner_role,
        "shared": database.data_role,
        "name": database.name,
    }
    with psycopg.connect(state_url(superuser, "postgres"), autocommit=True) as session:
        return session.execute(text, names).rowcount
