"""Many connections that ask for little, or take little: nobody else waits for them."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.integration.intake.deliveries import Stored, encoded, headers
from tests.integration.intake.web import Web

# Less than the time after which the service gives up who holds a connection and sends nothing.
SOON_SECONDS = 9.0
HEAD = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def crowd() -> Iterator[ExitStack]:
    """Closes its connections at the end."""
    with ExitStack() as stack:
        yield stack


def gather(crowd: ExitStack, web: Web, count: int, sent: bytes) -> list[socket.socket]:
    """Connections on which this was sent, and no more follows."""
    connections = [crowd.enter_context(web.connect()) for _ in range(count)]
    for connection in connections:
        connection.sendall(sent)
    return connections


def is_prompt(web: Web) -> bool:
    """Whether deliveries, health and pages are answered soon, in each of the processes."""
    body = encoded()
    slowest = 0.0
    for path in ("", "/healthz", "/readyz/web", "", "/metrics", "/login") * 3:
        started = time.monotonic()
        status = web.status(path) if path else web.post(body, headers(body)).status_code
        slowest = max(slowest, time.monotonic() - started)
        assert status == (200 if path else 202)
    return slowest < SOON_SECONDS


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /web",
        HEAD,
        HEAD + b"Content-Length: 1000\r\n\r\n{",
        b"POST /api/v1/runs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        HEAD + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
        # Answered, and closed by one side only.
        b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
    ids=["idle", "line", "head", "body", "run", "chunked", "expecting", "half-closed"],
)
def test_two_hundred_half_sent_requests_hold_nobody_up(
    web: Web, stored: Stored, crowd: ExitStack, sent: bytes
) -> None:
    gather(crowd, web, 200, sent)

    assert is_prompt(web)


def test_who_does_not_read_the_answer_holds_nobody_up(
    web: Web, stored: Stored, crowd: ExitStack
) -> None:
    # More than there were threads, and each wants more than the system keeps for a reader.
    for _ in range(12):
        connection = crowd.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.connect(("127.0.0.1", web.port))
        connection.sendall(b"GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 30)

    web.wait_until(lambda: is_prompt(web))


def test_more_connections_than_a_process_takes_hold_nobody_up(
    web: Web, stored: Stored, crowd: ExitStack
) -> None:
    gather(crowd, web, 1800, b"POST /web")

    assert is_prompt(web)


def test_a_head_that_stops_arriving_ends_its_connection(web: Web, crowd: ExitStack) -> None:
    [connection] = gather(crowd, web, 1, b"GET /healthz HTTP/1.1\r\nHost:")

    assert connection.recv(100) == b""


def test_requests_in_one_packet_are_answered_in_their_order(web: Web, crowd: ExitStack) -> None:
    [connection] = gather(
        crowd,
        web,
        1,
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )

    received = b"".join(iter(lambda: connection.recv(4096), b""))

    assert re.findall(rb"HTTP/1.1 ([0-9]+)", received) == [b"200", b"404"]


def test_a_request_that_comes_byte_by_byte_is_answered(web: Web, crowd: ExitStack) -> None:
    [connection] = gather(crowd, web, 1, b"")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    for byte in b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n":
        connection.sendall(bytes([byte]))

    assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_second_request_in_the_body_of_a_refused_one_is_not_read(
    web: Web, crowd: ExitStack
) -> None:
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    [connection] = gather(
        crowd, web, 1, HEAD + b"Content-Length: %d\r\n\r\n%s" % (30 * 1024 * 1024, hidden)
    )

    received = b"".join(iter(lambda: connection.recv(4096), b""))

    assert received.count(b"HTTP/1.1 ") == 1
    assert received.startswith(b"HTTP/1.1 413")
