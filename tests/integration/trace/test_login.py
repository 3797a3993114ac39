"""Who is let in by the proxy, over what, and what a client is told that the server refuses."""

import errno
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from action import tracing as action_tracing
from pgwire import messages
from pgwire.client import Target, session
from pgwire.line import Line, connect
from pgwire.scram import MECHANISM, Exchange
from pgwire.trace.proxy import Proxy
from tests.integration.serve.installation import await_that
from tests.integration.tls import ADDRESS, LOCALHOST, certificate, listening, terminating
from tests.integration.trace.conftest import Traced, connected, tracing


def reached(connection: psycopg.Connection[Any]) -> bool:
    with connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


def test_the_runs_login_is_asked_for_by_scram(shared: Traced) -> None:
    assert reached(shared.proxied(require_auth="scram-sha-256"))


@pytest.mark.parametrize("changes", [{"password": "other"}, {"user": "postgres"}])
def test_whoever_has_another_login_is_refused(shared: Traced, changes: dict[str, str]) -> None:
    before = len(shared.report().connections)
    user = changes.get("user", shared.target.user)

    with pytest.raises(psycopg.OperationalError, match="password authentication failed for user"):
        shared.proxied(**changes)

    assert len(shared.report().connections) == before
    refused = f'A connection was refused: password authentication failed for user "{user}".'
    await_that(lambda: refused in shared.proxy.remarks_on_strangers, what="the remark")


def test_a_client_that_asks_for_tls_first_goes_on_without(shared: Traced) -> None:
    assert reached(shared.proxied(sslmode="prefer", gssencmode="disable"))


def test_what_the_server_refuses_is_told_in_its_own_words(shared: Traced) -> None:
    told = []
    for target in (shared.target, shared.through):
        with pytest.raises(psycopg.OperationalError) as caught:
            connected(replace(target, database="no such database"))
        told.append(str(caught.value).partition("FATAL")[2])

    assert told[0] == told[1]
    assert any("no such database" in each for each in shared.proxy.remarks)


def test_a_server_that_cannot_be_reached_is_told_so(login: Target) -> None:
    with (
        session(login) as beside,
        Proxy(replace(login, port=9), beside) as proxy,
        pytest.raises(psycopg.OperationalError, match="the database: the connection was refused"),
    ):
        connected(replace(login, port=proxy.port))


def test_settings_of_a_clients_beginning_reach_the_server(shared: Traced) -> None:
    with shared.proxied(options="-c lock_timeout=7s", application_name="é") as connection:
        shown = connection.execute(
            "SELECT current_setting('lock_timeout'), current_setting('application_name')"
        ).fetchone()

    assert shown == ("7s", r"\xc3\xa9")


def test_a_name_that_is_no_text_is_told_as_far_as_it_is(login: Target) -> None:
    body = b"\0\3\0\0user\0" + login.user.encode() + b"\0application_name\0a\xff\n\x1b[31mb\0\0"
    with tracing(login) as trace:
        with closing(connect("127.0.0.1", trace.proxy.port, until=time.monotonic() + 10)) as line:
            line.send((len(body) + 4).to_bytes(4, "big") + body)
            _prove(line, login.password)
        told = trace.report().limited()["connections"]

    assert [each["application"] for each in told] == ["a b"]


def _prove(line: Line, password: str) -> None:
    """As a client that has the password; the server is ready then."""
    exchange = Exchange(password=password, nonce="nonce")
    assert line.receive().kind == b"R"
    line.send(messages.sasl_initial(MECHANISM, exchange.first()))
    line.send(messages.frame(b"p", exchange.final(line.receive().body[4:])))
    while line.receive().kind != b"Z":
        pass


def test_a_later_protocol_is_negotiated_down(shared: Traced) -> None:
    """https://www.postgresql.org/docs/current/protocol-message-formats.html"""
    name = shared.target.user.encode()
    body = b"\0\3\0\2user\0" + name + b"\0database\0" + name + b"\0_pq_.x\0" + b"1\0\0"
    with closing(connect("127.0.0.1", shared.proxy.port, until=time.monotonic() + 10)) as line:
        line.send((len(body) + 4).to_bytes(4, "big") + body)
        answer = line.receive()

    assert answer == messages.Message(b"v", b"\0\3\0\0\0\0\0\1_pq_.x\0")


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\4", b"\0\0\0\x08\0\2\0\0", b"\x16\3\1\2\0\1\0\1\xfc", b""],
)
def test_what_is_no_client_is_hung_up_on(shared: Traced, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", shared.proxy.port), timeout=30) as client:
        client.sendall(said)
        with suppress(OSError):  # it may have hung up already
            client.shutdown(socket.SHUT_WR)
            while client.recv(1000):
                pass

    assert reached(shared.proxied())


def test_strangers_keep_nobody_out(login: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those who only stand there, nor a moment without descriptors or threads."""
    accept, start = socket.socket.accept, threading.Thread.start
    failures = [OSError(errno.EMFILE, ""), OSError(errno.ECONNABORTED, ""), RuntimeError()]

    def fail_first(kind: type[Exception], go_on: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def called(*arguments: Any) -> Any:
            for error in [each for each in failures if isinstance(each, kind)]:
                failures.remove(error)
                raise error
            return go_on(*arguments)

        return called

    with tracing(login) as trace, ExitStack() as stack:
        monkeypatch.setattr(socket.socket, "accept", fail_first(OSError, accept))
        monkeypatch.setattr(threading.Thread, "start", fail_first(RuntimeError, start))
        address = ("127.0.0.1", trace.proxy.port)
        strangers = []
        for _ in range(150):
            strangers.append(stack.enter_context(socket.create_connection(address, timeout=30)))
        with trace.proxied() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

        assert failures == []
        assert strangers[0].recv(1) == b""


def test_a_connection_may_have_a_high_descriptor(shared: Traced) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    try:
        taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
        try:
            assert reached(shared.proxied())
        finally:
            for each in taken:
                os.close(each)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_strangers_hide_nothing_of_the_command(
    login: Target, new_login: Callable[[], Target]
) -> None:
    another = new_login().database
    with tracing(login) as trace:
        tracing_ = action_tracing.Tracing(variables={}, proxy=trace.proxy)
        for number in range(12):
            with pytest.raises(psycopg.OperationalError):
                trace.proxied(user=f"x{number}")
        await_that(lambda: len(trace.proxy.remarks_on_strangers) == 10, what="remarks")
        before, kept_out = tracing_.report(None, [], lambda: ()), tracing_.kept_out([])
        assert reached(trace.proxied())
        traced = tracing_.report(None, [], lambda: ())
        with trace.proxied(dbname=another):
            pass
        after = tracing_.report(None, [], lambda: ())

    assert before is not None
    assert traced is not None
    assert after is not None
    assert (before.untraced or "").startswith(f"{action_tracing.NO_CONNECTION}. A connection was")
    assert (before.is_unused, kept_out.count("A connection was refused")) == (True, 10)
    assert (traced.untraced, tracing_.kept_out([])) == (None, "")
    assert after.untraced == f'A connection went to another database, "{another}".'


@pytest.fixture
def encrypted(login: Target, tmp_path: Path) -> Iterator[tuple[Traced, Path]]:
    """A proxy that has a certificate for itself, and the file that clients trust it by."""
    context, pem = certificate(tmp_path, ADDRESS)
    context.set_alpn_protocols(["postgresql"])
    (tmp_path / "root.pem").write_text(pem)
    with tracing(login, tls=context) as traced:
        yield traced, tmp_path / "root.pem"


def test_clients_that_insist_on_tls_get_it(encrypted: tuple[Traced, Path]) -> None:
    traced, root = encrypted
    modes = ["disable", "prefer", "require", "verify-ca", "verify-full"]

    for mode in modes:
        with traced.proxied(sslmode=mode, sslrootcert=root) as connection:
            assert connection.pgconn.ssl_in_use == (mode != "disable")
            assert connection.execute("SELECT repeat('x', 1000000)").fetchone() == ("x" * 10**6,)


def test_a_client_that_does_not_trust_the_certificate_is_remarked_on(
    encrypted: tuple[Traced, Path], tmp_path: Path
) -> None:
    traced, _ = encrypted
    (tmp_path / "other.pem").write_text(_another(tmp_path))

    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        traced.proxied(sslmode="verify-ca", sslrootcert=tmp_path / "other.pem")

    remark = "A connection ended when its TLS began: the client did not trust it."
    await_that(lambda: traced.proxy.remarks_on_strangers == [remark], what="the remark")


def test_tls_without_a_request_before_is_understood(encrypted: tuple[Traced, Path]) -> None:
    traced, root = encrypted
    direct = {"sslmode": "verify-full", "sslrootcert": root, "sslnegotiation": "direct"}

    assert reached(traced.proxied(**direct))


def test_a_client_that_binds_to_the_channel_goes_on_where_it_may(
    encrypted: tuple[Traced, Path],
) -> None:
    traced, _ = encrypted

    assert reached(traced.proxied(sslmode="require", channel_binding="prefer"))


def test_the_server_is_reached_by_tls_as_the_instance_says(login: Target, tmp_path: Path) -> None:
    """And its certificate is checked, whatever the client asks for."""
    context, pem = certificate(tmp_path, LOCALHOST)
    serve = terminating(context, login.host, login.port)
    with listening(serve) as port, session(login) as beside:
        wanted = replace(login, host="localhost", port=port, sslmode="verify-full")
        with Proxy(replace(wanted, ca_certificate=pem), beside) as proxy:
            assert reached(connected(replace(login, port=proxy.port)))
        with (
            Proxy(replace(wanted, ca_certificate=_another(tmp_path)), beside) as proxy,
            pytest.raises(psycopg.OperationalError, match="its certificate is not accepted"),
        ):
            connected(replace(login, port=proxy.port))


def _another(folder: Path) -> str:
    return certificate(folder, LOCALHOST)[1]
