"""A server that takes no hashed passwords, linked by somebody who says so."""

import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from app.core.instances import AdminLogin
from tests.integration import tls
from tests.integration.password_checks import built_hook, choosy_admin
from tests.integration.serve.installation import Installation


@pytest.fixture
def choosy(postgres_directory: Path, postgres_superuser: AdminLogin) -> Iterator[AdminLogin]:
    with choosy_admin(postgres_superuser, built_hook(postgres_directory), "28000") as admin:
        yield admin


@pytest.fixture
def encrypted(tmp_path: Path, postgres_superuser: AdminLogin) -> Iterator[tuple[int, Path]]:
    """The port at which the server can be reached with TLS, and its CA's certificate."""
    context, pem = tls.certificate(tmp_path, tls.LOCALHOST)
    (tmp_path / "ca.pem").write_text(pem)
    address = postgres_superuser.address
    serve = tls.terminating(context, address.host, address.port)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            serve(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], tmp_path / "ca.pem"
        server.shutdown()


def url(admin: AdminLogin, *, host: str = "127.0.0.1", port: int | None = None) -> str:
    login = f"{admin.user}:{quote(admin.password)}"
    return f"postgresql://{login}@{host}:{port or admin.address.port}/postgres"


def test_without_a_choice_it_is_refused_and_with_one_the_way_must_be_verified(
    coppice: Installation, choosy: AdminLogin
) -> None:
    refused = coppice.run("instances", "link", "main", "--url", url(choosy))
    open_way = coppice.run("instances", "link", "main", "--url", url(choosy), "--plain-passwords")
    unverified = coppice.run(
        "instances", "link", "main", "--plain-passwords", "--url", f"{url(choosy)}?sslmode=require"
    )

    assert [one.returncode for one in (refused, open_way, unverified)] == [1, 1, 1]
    assert "refuses passwords that were hashed beforehand" in refused.stderr
    assert "(SQLSTATE 28000)" in refused.stderr
    assert "--plain-passwords" in refused.stderr
    assert "over a connection whose certificate is checked" in unverified.stderr
    assert json.loads(coppice.ok("instances", "list", "--json")) == []


def test_the_choice_is_shown_until_somebody_accepts_it(
    coppice: Installation,
    choosy: AdminLogin,
    postgres_admin: AdminLogin,
    encrypted: tuple[int, Path],
) -> None:
    port, ca_file = encrypted
    how = ("--plain-passwords", "--ca-file", str(ca_file), "--url")

    linked = coppice.run(
        "instances", "link", "main", *how, url(choosy, host="localhost", port=port)
    )
    needless = coppice.run(
        "instances", "link", "other", *how, url(postgres_admin, host="localhost", port=port)
    )
    before = json.loads(coppice.ok("instances", "show", "main", "--json"))
    warned = doctor(coppice)
    coppice.ok("instances", "acknowledge", "main", "plain_passwords")
    accepted = doctor(coppice)
    after = json.loads(coppice.ok("instances", "show", "main", "--json"))
    unknown = coppice.run("instances", "acknowledge", "main", "nonsense")
    coppice.ok("instances", "acknowledge", "main", "plain_passwords", "--withdraw")

    assert linked.returncode == 0, linked.stderr
    assert "Its logs may hold them" in linked.stderr
    assert needless.returncode == 1
    assert "(without --plain-passwords)" in needless.stderr
    assert before["plain_passwords"] is True
    assert {line.rpartition(": ")[2] for line in before["tried"]} == {"done"}
    assert any(line.startswith("plain_passwords: ") for line in before["findings"])
    assert warned == ["warning"]
    assert accepted == ["ok"]
    assert not any(line.startswith("plain_passwords") for line in after["findings"])
    [known] = after["acknowledged"]
    assert known.startswith("plain_passwords (by ")
    assert unknown.returncode == 1
    assert "Nothing with the code 'nonsense'" in unknown.stderr
    assert doctor(coppice) == ["warning"]


def doctor(coppice: Installation) -> list[str]:
    """What doctor makes of passwords in plain."""
    found = json.loads(coppice.run("doctor", "--json").stdout)
    return [one["state"] for one in found if "told passwords in plain" in one["finding"]]
