"""Two machines with one state database: a server of Coppice's own stands on one of them."""

import json
import os
import shutil
import signal
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import Connection

from app.postgres.embedded.server import EmbeddedServer
from app.postgres.sessions import admin_login, connect
from app.store.connection import state_conninfo
from tests.integration.serve.installation import Installation, await_that

SILENCE = "UPDATE hosts SET seen_at = seen_at - interval '1 hour'"


@pytest.fixture
def state(state_dsn: str) -> Iterator[Connection[tuple[object, ...]]]:
    with psycopg.connect(state_conninfo(state_dsn), autocommit=True) as connection:
        yield connection


def shown(machine: Installation) -> dict[str, object]:
    found: dict[str, object] = json.loads(machine.ok("instances", "show", "local", "--json"))
    return found


def works(machine: Installation) -> bool:
    return "The worker runs." in machine.log.read_text()


def test_what_another_machine_asks_of_a_server_is_done_where_it_stands(
    machines: list[Installation], state: Connection[tuple[object, ...]]
) -> None:
    first, second = machines
    assert "none does now" in first.ok("instances", "provision", "local")
    worker = first.start("worker")
    await_that(lambda: works(first), what=first.log)

    beside = second.run("instances", "provision", "other")
    assert beside.returncode == 1
    assert f"Coppice works on {shown(second)['host']}, and neither" in beside.stderr
    assert not (second.data / "instances" / "other").exists()
    tested = second.run("instances", "test", "local")
    assert "works: PostgreSQL 18" in tested.stdout
    assert "made no throw-away database there" in tested.stderr
    assert (shown(second)["status"], shown(second)["problem"]) == ("Unassigned", None)
    assert str(shown(second)["host"]).endswith(str(first.data))
    refused = second.run("instances", "edit", "local", "--public-host", "127.0.0.2")
    assert refused.returncode == 1
    assert f"{first.data}, with Coppice's command line there." in refused.stderr

    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    state.execute(SILENCE)
    assert shown(second)["status"] == "Unreachable"
    assert str(shown(second)["problem"]).startswith("Unreachable since ")
    for command in (("test", "local"), ("delete", "local", "--yes")):
        refused = second.run("instances", *command)
        assert refused.returncode == 1
        assert "which gave its last sign of life at" in refused.stderr
        assert ("delete local --lost`" in refused.stderr) == (command[0] == "delete")
    assert "works: PostgreSQL 18" in first.ok("instances", "test", "local")

    first.start("worker")
    await_that(lambda: shown(second)["status"] == "Unassigned", what=first.log)
    assert "local is gone" in second.ok("instances", "delete", "local", "--yes")
    assert not (first.data / "instances" / "local").exists()
    assert not first.processes("postgres")


def test_a_copy_of_a_data_directory_touches_no_server_of_the_one_that_it_was_copied_from(
    machines: list[Installation],
) -> None:
    first, second = machines
    first.ok("instances", "provision", "local")
    first.start("worker")
    await_that(lambda: works(first), what=first.log)
    second.data.mkdir()
    shutil.copy(first.data / "host-id", second.data)
    shutil.copytree(first.data / "instances", second.data / "instances", symlinks=True)

    for command in (("test", "local"), ("delete", "local", "--yes"), ("provision", "other")):
        refused = second.run("instances", *command)
        assert refused.returncode == 1
        assert "delete the file host-id in it" in refused.stderr
    (second.data / "host-id").unlink()
    assert "works: PostgreSQL 18" in second.ok("instances", "test", "local")
    shutil.rmtree(second.data / "instances")


def test_an_instance_of_a_machine_that_is_gone_for_good_can_be_forgotten(
    machines: list[Installation], state: Connection[tuple[object, ...]]
) -> None:
    first, second = machines
    first.ok("instances", "provision", "local")
    with state.transaction():
        state.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " SELECT 'databases@' || id, 'databases:drop', '{\"database_id\": 7}' FROM hosts"
        )
    host = shown(second)["host"]

    state.execute("UPDATE hosts SET seen_at = now()")
    refused = second.run("instances", "delete", "local", "--lost", "--yes")
    state.execute(SILENCE)
    asked = second.run("instances", "delete", "local", "--lost")
    forgotten = second.run("instances", "delete", "local", "--lost", "--yes")

    stays = f"Its server and all its data stay on {host}."
    assert "Nothing was done. This would forget local for good, and remove nothing." in asked.stderr
    assert stays in asked.stderr
    assert forgotten.stdout == "Instance local is forgotten. Nothing was removed.\n"
    assert stays in forgotten.stderr
    assert "gives signs of life" in refused.stderr
    assert second.ok("instances", "list", "--json").strip() == "[]"
    assert state.execute("SELECT DISTINCT queue_name FROM procrastinate_jobs").fetchall() == [
        ("databases",)
    ]

    # The name is taken on the other machine: what was left on the first is told from that.
    second.ok("instances", "provision", "local")
    told = first.run("doctor")
    assert "coppice instances delete local --leftover" in told.stdout, told.stdout + told.stderr
    assert "What was left of local is gone" in first.ok(
        "instances", "delete", "local", "--leftover", "--yes"
    )
    assert "works" in second.ok("instances", "test", "local")


def test_the_machine_that_has_an_instance_of_before_adopts_it(
    machines: list[Installation], state: Connection[tuple[object, ...]]
) -> None:
    first, second = machines
    first.ok("instances", "provision", "local")
    state.execute("UPDATE instances SET host_id = NULL")

    refused = second.run("instances", "test", "local")
    first.ok("instances", "list")

    assert "No machine has said that the server of local stands on it" in refused.stderr
    assert str(shown(second)["host"]).endswith(str(first.data))


def test_what_an_earlier_instance_left_is_taken_for_no_new_one(
    installation_on_server: Installation, state: Connection[tuple[object, ...]]
) -> None:
    machine = installation_on_server
    machine.ok("instances", "provision", "local")
    server = EmbeddedServer(machine.data / "instances" / "local")
    with connect(admin_login(server.start())) as session:
        session.execute("CREATE DATABASE precious")
    server.stop()
    state.execute("DELETE FROM instance_measurements")
    state.execute("DELETE FROM instances")  # as a deletion on another machine did it once

    refused = machine.run("instances", "provision", "local")
    assert refused.returncode == 1
    assert "databases on it: precious." in refused.stderr
    assert "coppice instances delete local --leftover" in refused.stderr
    assert not machine.processes("postgres"), "it did not run before"

    assert "is gone" in machine.ok("instances", "delete", "local", "--leftover", "--yes")
    machine.ok("instances", "provision", "local")
