"""HTTP as it really fails."""

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from action.transport import (
    CertificateRefused,
    NoAnswer,
    Patience,
    Redirected,
    Request,
    Transport,
)
from tests.integration.action.scripted import Reply, ScriptedService
from tests.integration.tls import certificate, listening


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def transport(pauses: list[float]) -> Transport:
    return Transport(pause=pauses.append)


def post(url: str) -> Request:
    return Request(method="POST", url=url, headers={"Authorization": "Bearer x"}, body=b"{}")


@pytest.mark.parametrize(
    ("asked", "waited"),
    [("7", 7), ("0", 0), ("100000", 60), ("soon", 0.5), ("-1", 0.5), ("²", 0.5)],
)
def test_a_pause_that_the_server_asks_for_is_kept(
    service: ScriptedService,
    transport: Transport,
    pauses: list[float],
    asked: str,
    waited: float,
) -> None:
    busy = Reply(status=503, headers={"Retry-After": asked.encode().decode("latin-1")})
    service.on("/x", busy, Reply(body={"fine": True}))

    answer = transport.send(post(f"{service.url}/x"))

    assert answer.body == b'{"fine": true}'
    assert pauses == [waited]


def test_a_refused_connection_is_tried_six_times_with_growing_pauses(
    transport: Transport, pauses: list[float]
) -> None:
    with pytest.raises(NoAnswer, match="refused"):
        transport.send(post("http://127.0.0.1:9/"))

    assert pauses == [0.5, 1, 2, 4, 8]


def test_the_last_fault_is_an_answer(service: ScriptedService, transport: Transport) -> None:
    service.on("/x", Reply(status=502, body=b"bad gateway"))

    assert transport.send(post(f"{service.url}/x")).status == 502
    assert len(service.requests("/x")) == 6


def test_a_silent_server_is_given_up(transport: Transport) -> None:
    released = threading.Event()

    def silent(connection: socket.socket) -> None:
        connection.recv(1000)
        released.wait(20)

    with listening(silent) as port:
        with pytest.raises(NoAnswer, match="in time"):
            transport.send(
                post(f"http://127.0.0.1:{port}/"), Patience(timeout_seconds=0.2, retries=0)
            )
        released.set()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "closed the connection"),
        (b"SSH-2.0-OpenSSH\r\n", "failed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "broke off"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000_001, "more than 2 MB"),
    ],
)
def test_half_an_answer_is_none(transport: Transport, raw: bytes, why: str) -> None:
    def broken(connection: socket.socket) -> None:
        # To the end: closing with something unread would reset the connection.
        asked = b""
        while not asked.endswith(b"{}"):
            asked += connection.recv(10_000)
        connection.sendall(raw)

    with listening(broken) as port, pytest.raises(NoAnswer, match=why):
        transport.send(post(f"http://127.0.0.1:{port}/"), Patience(retries=0))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(
    service: ScriptedService, transport: Transport, status: int
) -> None:
    service.on("/x", Reply(status=status, headers={"Location": f"{service.url}/stolen?a=b"}))

    with pytest.raises(Redirected) as caught:
        transport.send(post(f"{service.url}/x"))

    assert str(caught.value) == service.url.removeprefix("http://")
    assert not service.requests("/stolen")


def test_a_proxy_never_sees_what_is_meant_for_this_machine(
    service: ScriptedService, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    service.on("/x", Reply(body={}))

    assert transport.send(post(f"{service.url}/x"), Patience(retries=0)).status == 200


@pytest.fixture
def https(tmp_path: Path) -> Iterator[str]:
    """A server with a certificate that nobody trusts."""
    context, _ = certificate(tmp_path, x509.DNSName("localhost"))
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_certificate_that_is_not_trusted_is_final(
    https: str, transport: Transport, pauses: list[float]
) -> None:
    with pytest.raises(CertificateRefused, match="self-signed"):
        transport.send(post(https))

    assert not pauses


def test_a_file_is_no_address(transport: Transport) -> None:
    with pytest.raises(NoAnswer, match="no URL"):
        transport.send(post("file:///etc/passwd"), Patience(retries=0))
