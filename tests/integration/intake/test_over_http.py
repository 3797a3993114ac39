"""The intake behind a real gunicorn: bodies of all sizes and speeds, and a state database away."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.integration.intake.deliveries import Stored, encoded, headers
from tests.integration.intake.web import Web
from tests.integration.lifecycle.proxy import Proxy

MIB = 1024 * 1024


def test_twenty_at_once_of_one_delivery_count_once(web: Web, stored: Stored) -> None:
    body = encoded()
    sent = headers(body, guid="one")

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: web.post(body, sent), range(20)))

    assert {answer.status_code for answer in answers} == {202}
    outcomes = sorted(answer.json()["outcome"] for answer in answers)
    assert outcomes == ["duplicate"] * 19 + ["queued"]
    assert stored.outcomes() == {"one": "queued"}
    assert stored.jobs() == ["branches:reconcile"]


def test_what_was_answered_202_survives_a_power_cut(web: Web, stored: Stored) -> None:
    body = encoded()

    answer = web.post(body, headers(body, guid="one"))
    web.kill()

    assert answer.status_code == 202
    assert stored.outcomes() == {"one": "queued"}
    assert stored.jobs() == ["branches:reconcile"]


def test_without_the_state_database_nothing_is_accepted_and_it_recovers(
    web: Web, cable: Proxy, stored: Stored
) -> None:
    body = encoded()
    cable.pull_out()

    started = time.monotonic()
    refused = web.post(body, headers(body, guid="one"))
    seconds = time.monotonic() - started
    health = (web.status("/healthz"), web.status("/readyz/web"))
    cable.plug_in()
    # Either of the two workers may answer.
    web.wait_until(lambda: all(web.status("/readyz/web") == 200 for _ in range(10)))
    accepted = web.post(body, headers(body, guid="one"))

    assert (refused.status_code, refused.json()["error"]) == (503, "state_unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    assert seconds < 10
    assert health == (200, 503)
    assert (accepted.status_code, accepted.json()["outcome"]) == (202, "queued")
    assert stored.outcomes() == {"one": "queued"}


def test_a_body_that_is_too_large_is_refused_and_one_below_the_limit_is_taken(
    web: Web, stored: Stored
) -> None:
    largest = encoded(commits="x" * (24 * MIB))

    announced = announce(web, f"Content-Length: {26 * MIB}")
    chunked = send_chunks(web, size=MIB, count=27)
    accepted = web.post(largest, headers(largest, guid="one"))

    assert announced.startswith(b"HTTP/1.1 413")
    assert chunked.startswith(b"HTTP/1.1 413")
    assert accepted.status_code == 202
    assert stored.outcomes() == {"one": "queued"}


@pytest.mark.parametrize("path", ["/webhooks/github", "/api/v1/runs", "/nowhere"])
def test_bodies_that_stop_arriving_hold_nobody_up(web: Web, path: str) -> None:
    body = encoded()
    slow = [web.connect() for _ in range(3)]
    for connection in slow:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode())
    for connection in slow[1:]:
        connection.sendall(b"Content-Length: 1000\r\n\r\n{")
    slow[0].sendall(b"Transfer-Encoding: chunked\r\n\r\n5\r\n{")

    started = time.monotonic()
    answer = web.post(body, headers(body))
    seconds = time.monotonic() - started
    refusals = [first_line(connection) for connection in slow]

    assert answer.status_code == 202
    assert seconds < 8
    assert {line.split()[1] for line in refusals} == {b"408"}


@pytest.mark.parametrize("name", ["X-GitHub-Delivery", "X-GitHub-Event", "X-Hub-Signature-256"])
def test_a_header_sent_twice_is_refused(web: Web, name: str) -> None:
    body = encoded()
    sent = headers(body)
    lines = [f"{key}: {value}" for key, value in sent.items()]
    lines += [f"{name}: {sent[name]}\u00e9", f"Content-Length: {len(body)}"]

    connection = web.connect()
    head = "\r\n".join(["POST /webhooks/github HTTP/1.1", "Host: x", *lines, "", ""])
    connection.sendall(head.encode("latin-1") + body)
    answer = first_line(connection)

    assert answer.split()[1] in {b"400", b"401"}


def announce(web: Web, header: str) -> bytes:
    """Say how long the body will be, and send nothing of it."""
    connection = web.connect()
    connection.sendall(f"POST /webhooks/github HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode())
    return first_line(connection)


def send_chunks(web: Web, *, size: int, count: int) -> bytes:
    """A body without a length, in pieces; ends early when it is refused."""
    connection = web.connect()
    connection.sendall(b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\n")
    connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
    with suppress(OSError):
        for _ in range(count):
            connection.sendall(b"%x\r\n%s\r\n" % (size, b"x" * size))
        connection.sendall(b"0\r\n\r\n")
    return first_line(connection)


def first_line(connection: socket.socket) -> bytes:
    """What the answer begins with; nothing more is read."""
    received = b""
    with connection:
        while b"\r\n" not in received and (part := connection.recv(4096)):
            received += part
    return received.split(b"\r\n")[0]
