"""Linking, showing and forgetting servers from the command line."""

import json
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from psycopg import sql

from app.core.instances import AdminLogin
from app.postgres.sessions import admin_login, connect
from tests.integration.lifecycle.proxy import Proxy
from tests.integration.serve.installation import Installation, free_port
from tests.integration.shared_cluster import let_in, remove_role


@pytest.fixture
def weak_url(postgres_superuser: AdminLogin) -> Iterator[str]:
    """A server whose role may log in and do nothing else."""
    role, password = f"Weak.{secrets.token_hex(4)}", secrets.token_hex(16)
    name = sql.Identifier(role)
    with connect(admin_login(postgres_superuser)) as session:
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        session.execute(create.format(name, sql.Literal(password)))
        let_in(session, name)
    address = postgres_superuser.address
    yield f"postgresql://{role}:{password}@{address.host}:{address.port}/postgres"
    with connect(admin_login(postgres_superuser)) as session:
        remove_role(session, name)


def role_in(url: str) -> sql.Identifier:
    return sql.Identifier(urlsplit(url).username or "")


def test_a_linked_server_is_listed(coppice: Installation, server_url: str) -> None:
    coppice.ok("instances", "link", "main", "--url", server_url, "--public-host", "db.example.com")

    (row,) = json.loads(coppice.ok("instances", "list", "--json"))
    assert (row["name"], row["status"], row["kind"]) == ("main", "Unassigned", "linked")
    assert row["address"].startswith("db.example.com:")


def test_a_role_without_rights_is_refused_with_what_it_lacks(
    coppice: Installation, weak_url: str
) -> None:
    finished = coppice.run("instances", "link", "main", "--url", weak_url)

    assert finished.returncode == 1
    assert "CREATEDB" in finished.stderr
    assert "CREATEROLE" in finished.stderr
    assert json.loads(coppice.ok("instances", "list", "--json")) == []


def test_a_server_that_does_not_answer_is_said_in_a_sentence(coppice: Installation) -> None:
    url = f"postgresql://admin:hunter2hunter2@127.0.0.1:{free_port()}/postgres"

    finished = coppice.run("instances", "link", "main", "--url", url)

    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    assert "hunter2" not in finished.stdout + finished.stderr


def test_the_url_may_come_from_stdin(coppice: Installation, server_url: str) -> None:
    coppice.ok("instances", "link", "main", "--url", "-", stdin=f"{server_url}\n")

    assert "main works" in coppice.ok("instances", "test", "main")


@pytest.mark.parametrize("command", ["link", "edit"])
def test_a_url_that_does_not_come_is_missed(coppice: Installation, command: str) -> None:
    finished = coppice.run("instances", command, "main", "--url", "-")

    assert finished.returncode == 1
    assert "`-` reads the URL from standard input, and nothing came." in finished.stderr


def test_no_command_shows_the_administrators_password(
    coppice: Installation, server_url: str, postgres_admin: AdminLogin
) -> None:
    said = coppice.ok("instances", "link", "main", "--url", server_url)
    said += coppice.ok("instances", "show", "main")
    said += coppice.ok("instances", "show", "main", "--json")

    assert postgres_admin.password not in said


def test_an_edit_changes_what_runners_are_told(coppice: Installation, server_url: str) -> None:
    coppice.ok("instances", "link", "main", "--url", server_url)

    coppice.ok("instances", "edit", "main", "--public-host", "db.example.com")

    record = json.loads(coppice.ok("instances", "show", "main", "--json"))
    assert record["address"].startswith("db.example.com:")
    assert record["admin_address"].startswith("127.0.0.1:")


@pytest.mark.parametrize("sslmode", ["require", "verify-full"])
def test_encryption_that_the_server_has_not_is_not_demanded_of_runners(
    coppice: Installation, server_url: str, sslmode: str
) -> None:
    demand = ("--public-sslmode", sslmode)

    linked = coppice.run("instances", "link", "main", "--url", server_url, *demand)
    coppice.ok("instances", "link", "main", "--url", server_url)
    edited = coppice.run("instances", "edit", "main", *demand)

    for finished in (linked, edited):
        assert finished.returncode == 1
        assert f"Runners are told to demand encryption (sslmode {sslmode})" in finished.stderr
        assert "Set ssl = on" in finished.stderr
    assert json.loads(coppice.ok("instances", "show", "main", "--json"))["sslmode"] == "disable"


def test_encryption_somewhere_in_front_of_the_server_is_remarked_on_everywhere(
    coppice: Installation, server_url: str
) -> None:
    public = ("--public-host", "db.example.com", "--public-sslmode", "require")

    told = [
        coppice.run("instances", "link", "main", "--url", server_url, *public),
        coppice.run("instances", "edit", "main", "--public-sslmode", "verify-full"),
        coppice.run("instances", "test", "main"),
        coppice.run("doctor"),
    ]

    for finished in told:
        said = " ".join((finished.stdout + finished.stderr).split())
        assert "Runners are told to demand encryption" in said
        assert "Right if something in front of it encrypts at db.example.com." in said
    assert [finished.returncode for finished in told[:3]] == [0, 0, 0]


def test_a_connection_without_encryption_comes_with_what_to_do(
    coppice: Installation, server_url: str
) -> None:
    finished = coppice.run(
        "instances", "link", "main", "--url", server_url, "--public-host", "db.example.com"
    )

    assert "connections to db.example.com are not encrypted." in finished.stderr
    assert "instances edit main --public-sslmode verify-full" in finished.stderr


def test_the_same_server_under_another_name_is_remarked_on_and_never_refused(
    coppice: Installation, server_url: str
) -> None:
    other_name = server_url.replace("@127.0.0.1:", "@localhost:")
    coppice.ok("instances", "link", "main", "--url", server_url)

    same_address = coppice.run("instances", "link", "second", "--url", server_url)
    coppice.ok("instances", "test", "main")
    same_server = coppice.run("instances", "edit", "second", "--url", other_name)
    tested = coppice.run("instances", "test", "second")

    for finished in (same_address, same_server, tested):
        assert finished.returncode == 0, finished.stderr
        assert "Note: The instance main is on the same server" in finished.stderr


def test_opening_a_server_to_a_network_needs_tls_or_a_word(coppice: Installation) -> None:
    finished = coppice.run(
        "instances", "provision", "lan", "--listen", "0.0.0.0", "--public-host", "db.example.com"
    )

    assert finished.returncode == 1
    assert "--insecure-network" in finished.stderr
    assert not (coppice.data / "instances" / "lan").exists()


def test_an_address_of_another_machine_is_not_listened_on(coppice: Installation) -> None:
    lan = ("--public-host", "db.example.com", "--insecure-network")

    finished = coppice.run("instances", "provision", "lan", "--listen", "203.0.113.9", *lan)

    assert finished.returncode == 1
    assert "No server can listen on 203.0.113.9" in finished.stderr
    assert json.loads(coppice.ok("instances", "list", "--json")) == []


def test_a_port_in_use_leaves_nothing_behind(coppice: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        finished = coppice.run("instances", "provision", "local", "--port", str(port))

    assert finished.returncode == 1
    assert f"Another program listens on 127.0.0.1, port {port}." in finished.stderr
    assert "--port" in finished.stderr
    assert list(coppice.data.glob("instances/local/*")) == []


@pytest.mark.parametrize("given", [("--pooler-port", "6432"), ("--pooler-host", "pool")])
def test_half_a_pooler_is_refused_with_what_is_missing(
    coppice: Installation, given: tuple[str, str]
) -> None:
    finished = coppice.run("instances", "link", "main", "--url", "postgresql://a:b@h/d", *given)

    [missing] = {"--pooler-host", "--pooler-port"} - set(given)
    assert finished.returncode == 1
    assert f"{missing} is missing" in finished.stderr
    assert "Give both" in finished.stderr


def test_a_file_without_a_certificate_is_named(coppice: Installation, tmp_path: Path) -> None:
    file = tmp_path / "ca.der"
    file.write_bytes(b"\x30\x82\xff")

    finished = coppice.run(
        "instances", "link", "main", "--url", "postgresql://a:b@h/d", "--ca-file", str(file)
    )

    assert finished.returncode == 1
    assert finished.stderr.startswith(f"{file} does not hold a certificate in PEM.")


def test_an_edit_of_nothing_is_a_mistake(coppice: Installation) -> None:
    finished = coppice.run("instances", "edit", "main")

    assert finished.returncode == 1
    assert "Nothing was given to change." in finished.stderr


def test_an_instance_with_an_app_is_not_deleted(assigned: Installation) -> None:
    finished = assigned.run("instances", "delete", "main", "--yes")

    assert finished.returncode == 1
    assert "Apps are assigned to this instance" in finished.stderr


def test_a_linked_instance_is_only_forgotten(coppice: Installation, server_url: str) -> None:
    coppice.ok("instances", "link", "main", "--url", server_url)

    coppice.ok("instances", "delete", "main", "--yes")

    assert json.loads(coppice.ok("instances", "list", "--json")) == []
    coppice.ok("instances", "link", "main", "--url", server_url)


def test_a_deletion_asks_when_nobody_is_there_to_answer(
    coppice: Installation, server_url: str
) -> None:
    coppice.ok("instances", "link", "main", "--url", server_url)

    finished = coppice.run("instances", "delete", "main")

    assert finished.returncode == 1
    assert "Nothing was done. This would forget main;" in finished.stderr
    assert "--yes" in finished.stderr
    assert "main" in coppice.ok("instances", "list")


def test_a_deletion_says_which_databases_go(connected: Installation) -> None:
    connected.ok("instances", "provision", "local")
    connected.ok("apps", "assign", "acme/shop", "local", "--app-id", "shop")
    connected.ok("databases", "create", "acme/shop", "--environment", "preview")
    connected.ok("apps", "remove", "acme/shop", "--yes")

    asked = connected.run("instances", "delete", "local")

    assert "This would remove local with ALL ITS DATA for good: " in asked.stderr
    assert "shop-preview" in asked.stderr


def test_a_server_that_does_not_answer_is_listed_as_an_error_with_the_cause(
    coppice: Installation, postgres_admin: AdminLogin
) -> None:
    login, server = f"{postgres_admin.user}:{postgres_admin.password}", postgres_admin.address
    with Proxy(server.host, server.port) as cable:
        url = f"postgresql://{login}@127.0.0.1:{cable.port}/postgres"
        coppice.ok("instances", "link", "main", "--url", url)
    before = json.loads(coppice.ok("instances", "list", "--json"))

    tested = coppice.run("instances", "test", "main")

    (after,) = json.loads(coppice.ok("instances", "list", "--json"))
    assert [(one["status"], one["problem"]) for one in before] == [("Unassigned", None)]
    assert tested.returncode == 1
    assert after["status"] == "Error"
    assert after["problem"] in tested.stderr
    assert after["problem"] in " ".join(coppice.ok("instances", "show", "main").split())


def test_an_edit_tells_of_a_pooler_that_does_not_answer_and_of_what_was_accepted(
    coppice: Installation, weak_url: str, postgres_superuser: AdminLogin
) -> None:
    pooler = ("--pooler-host", "127.0.0.1", "--pooler-port", str(free_port()))
    with connect(admin_login(postgres_superuser)) as session:
        session.execute(sql.SQL("ALTER ROLE {} CREATEDB CREATEROLE").format(role_in(weak_url)))
    coppice.ok("instances", "link", "main", "--url", weak_url)
    coppice.ok("instances", "acknowledge", "main", "signal_backend")

    edited = coppice.run("instances", "edit", "main", *pooler)

    assert edited.returncode == 0
    assert "does not answer from here: runs and applications get no DATABASE_URL_" in edited.stderr
    known = [one for one in edited.stderr.splitlines() if "may not end other roles'" in one]
    assert [one.split()[0] for one in known] == ["Accepted"]


def test_a_role_that_may_have_few_connections_is_told_of_its_own_limit(
    coppice: Installation, weak_url: str, postgres_superuser: AdminLogin
) -> None:
    role = role_in(weak_url)
    limit = sql.SQL("ALTER ROLE {} CREATEDB CREATEROLE CONNECTION LIMIT {}")
    said = []

    for few in ("0", "2"):
        with connect(admin_login(postgres_superuser)) as session:
            session.execute(limit.format(role, sql.SQL(few)))
        said.append(coppice.run("instances", "link", "main", "--url", weak_url).stderr)

    assert "its own limit (CONNECTION LIMIT)" in said[0]
    assert "The role may have 2 connections at once" in said[1]
    lines = said[1].splitlines()
    assert f"ALTER ROLE {role.as_string()} CONNECTION LIMIT -1;" in lines, "to be pasted"
