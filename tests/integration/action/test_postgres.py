"""The minimal client against the real server, in the clear and behind TLS."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from pgwire import messages
from pgwire.client import LoginRefused, Target, Unreachable, session
from pgwire.line import TlsFailed
from tests.integration.action.conftest import NewDatabase
from tests.integration.tls import ADDRESS, LOCALHOST, certificate, listening, terminating

QUESTION = "SELECT pg_catalog.current_database(), NULL, 'äöü'"


@pytest.fixture
def target(new_database: NewDatabase) -> Target:
    database = new_database("branch")
    return Target(
        host=database.host,
        port=database.port,
        database=database.tenant.name,
        user=database.tenant.login_role,
        password=database.password,
        sslmode="disable",
        ca_certificate=None,
    )


def ask(target: Target) -> list[list[str | None]]:
    with session(target) as opened:
        return opened.rows(QUESTION)


def test_it_logs_in_by_scram_and_reads_rows(target: Target) -> None:
    assert ask(target) == [[target.database, None, "äöü"]]


def test_prefer_takes_a_server_without_tls(target: Target) -> None:
    assert ask(replace(target, sslmode="prefer"))


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
def test_a_server_without_tls_is_refused_where_tls_is_asked_for(
    target: Target, sslmode: str
) -> None:
    with pytest.raises(TlsFailed, match="does not support TLS"):
        ask(replace(target, sslmode=sslmode))


def test_a_wrong_password_is_refused_by_the_server(target: Target) -> None:
    with pytest.raises(LoginRefused, match="password authentication failed") as caught:
        ask(replace(target, password="x" * 32))

    assert caught.value.sqlstate == "28P01"


def test_a_database_of_others_is_refused(target: Target) -> None:
    with pytest.raises(LoginRefused) as caught:
        ask(replace(target, database="no such database"))

    assert caught.value.sqlstate == "3D000"


def test_an_error_in_a_query_is_told(target: Target) -> None:
    with session(target) as opened:
        with pytest.raises(LoginRefused, match="division by zero"):
            opened.rows("SELECT 1/0")

        assert opened.rows("SELECT 7") == [["7"]]


@pytest.mark.parametrize(
    ("host", "port", "why"),
    [
        ("127.0.0.1", 9, "refused"),
        ("no-such-host.invalid", 5432, "cannot be resolved"),
        ("a" * 64 + ".example", 5432, "cannot be resolved"),
    ],
)
def test_a_server_that_cannot_be_reached_is_told_apart(
    target: Target, host: str, port: int, why: str
) -> None:
    with pytest.raises(Unreachable, match=why):
        ask(replace(target, host=host, port=port))


# --- servers that are not what they claim to be --------------------------------------------------


def saying(*messages: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(10_000)
        for message in messages:
            connection.sendall(message)
        connection.recv(10_000)

    return serve


def request(code: int, rest: bytes = b"") -> bytes:
    return messages.frame(b"R", code.to_bytes(4, "big") + rest)


READY = messages.frame(b"Z", b"I")
OFFER = request(10, b"SCRAM-SHA-256\0\0")
IMPOSTORS = {
    "a plain password": (request(3), "asks for a plain password"),
    "an MD5 password": (request(5, b"salt"), "asks for MD5"),
    "another mechanism": (request(10, b"PLAIN\0\0"), "does not offer SCRAM"),
    "no proof of its own": (OFFER + request(0) + READY, "did not prove"),
    "a forged proof": (OFFER + request(12, b"v=AAAA"), "did not prove"),
    "another client's challenge": (OFFER + request(11, b"r=other,s=AAAA,i=1"), "not an answer"),
    "no PostgreSQL": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not PostgreSQL"),
}


@pytest.mark.parametrize("kind", IMPOSTORS)
def test_an_impostor_gets_no_password(target: Target, kind: str) -> None:
    messages, why = IMPOSTORS[kind]

    with listening(saying(messages)) as port, pytest.raises(LoginRefused, match=why):
        ask(replace(target, port=port))


def test_prefer_does_without_tls_where_it_does_not_work(target: Target) -> None:
    def serve(connection: socket.socket) -> None:
        is_tls = connection.recv(10_000) == messages.SSL_REQUEST
        connection.sendall(b"S" if is_tls else request(0) + READY)
        connection.recv(0 if is_tls else 10_000)

    with listening(serve) as port, session(replace(target, port=port, sslmode="prefer")) as opened:
        assert opened


def test_a_server_that_hangs_up_is_unreachable(target: Target) -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(8)

    with listening(hang_up) as port, pytest.raises(Unreachable, match="closed"):
        ask(replace(target, port=port))


# --- TLS: ends here, and the real server is behind it --------------------------------------------


ELSEWHERE = x509.DNSName("db.example.com")


def behind(context: ssl.SSLContext, target: Target) -> Callable[[socket.socket], None]:
    return terminating(context, target.host, target.port)


@pytest.mark.parametrize("sslmode", ["prefer", "require", "verify-ca", "verify-full"])
@pytest.mark.parametrize(("host", "name"), [("localhost", LOCALHOST), ("127.0.0.1", ADDRESS)])
def test_a_server_with_the_right_certificate_is_accepted(
    target: Target, tmp_path: Path, sslmode: str, host: str, name: x509.GeneralName
) -> None:
    context, pem = certificate(tmp_path, name)

    with listening(behind(context, target)) as port:
        asked = replace(target, host=host, port=port, sslmode=sslmode)
        rows = ask(replace(asked, ca_certificate=f"# Zertifikate aus Köln\n{pem}"))

    assert rows[0][0] == target.database


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
def test_a_certificate_of_another_authority_is_refused(
    target: Target, tmp_path: Path, sslmode: str
) -> None:
    context, _ = certificate(tmp_path, LOCALHOST)
    _, other = certificate(tmp_path, LOCALHOST)
    refused = replace(target, host="localhost", sslmode=sslmode, ca_certificate=other)

    with (
        listening(behind(context, target)) as port,
        pytest.raises(TlsFailed),
    ):
        ask(replace(refused, port=port))


def test_verify_full_wants_the_hosts_own_name(target: Target, tmp_path: Path) -> None:
    context, pem = certificate(tmp_path, ELSEWHERE)
    checked = replace(target, host="localhost", ca_certificate=pem)

    with listening(behind(context, target)) as port:
        by_chain = ask(replace(checked, port=port, sslmode="verify-ca"))
        with pytest.raises(TlsFailed, match="not accepted"):
            ask(replace(checked, port=port, sslmode="verify-full"))

    assert by_chain


def test_verify_full_without_a_ca_trusts_the_systems_authorities_only(
    target: Target, tmp_path: Path
) -> None:
    context, _ = certificate(tmp_path, LOCALHOST)

    with (
        listening(behind(context, target)) as port,
        pytest.raises(TlsFailed),
    ):
        ask(replace(target, host="localhost", port=port, sslmode="verify-full"))


def test_require_without_a_ca_encrypts_and_does_not_verify(target: Target, tmp_path: Path) -> None:
    context, _ = certificate(tmp_path, ELSEWHERE)

    with listening(behind(context, target)) as port:
        assert ask(replace(target, host="localhost", port=port, sslmode="require"))
