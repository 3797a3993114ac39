"""Deliveries: how many are stored in a second, and what one that needs nothing costs."""

import http.client
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.site import Site

CONNECTIONS = 8
DELIVERIES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One round."""

    per_second: float
    milliseconds: float
    """Median time to the answer."""
    cpu_milliseconds: float
    """CPU time of the service's processes for each delivery."""


def prepare_push(site: Site, branch: str) -> bytes:
    """The body of a push to a branch whose database is ready."""
    site.github.push(site.repository, branch)
    site.ready_at(branch)
    site.quiet()
    site.github.hook.hold()
    site.github.push(site.repository, branch)
    (push,) = site.github.hook.held()
    site.github.hook.release([])
    return json.dumps(push.payload).encode()


def prepare_job(body: bytes) -> bytes:
    """The body of a push that causes a job: of a branch that GitHub does not know."""
    payload = json.loads(body)
    return json.dumps({**payload, "ref": "refs/heads/bench-unknown"}).encode()


def measure_intake(site: Site, body: bytes) -> Intake:
    """Send the same body many times over several connections, each time as a new delivery."""
    signature = site.github.hook.signature(body)
    cpu, start = site.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        send = _sender(site.service.url, body, signature)
        rounds = pool.map(send, [DELIVERIES // CONNECTIONS] * CONNECTIONS)
        times = sorted(seconds for part in rounds for seconds in part)
    return Intake(
        per_second=len(times) / (time.perf_counter() - start),
        milliseconds=times[len(times) // 2] * 1000,
        cpu_milliseconds=(site.cpu_seconds() - cpu) / len(times) * 1000,
    )


def connect(url: str) -> http.client.HTTPConnection:
    """An open connection to the service."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    connection.connect()
    return connection


def deliver(connection: http.client.HTTPConnection, body: bytes, signature: str) -> float:
    """Send a push as a new delivery; the seconds until it was answered."""
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": signature,
    }
    start = time.perf_counter()
    connection.request("POST", "/webhooks/github", body, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 202:
        raise RuntimeError(f"a delivery was answered {answer.status}")
    return time.perf_counter() - start


def _sender(url: str, body: bytes, signature: str) -> Callable[[int], list[float]]:
    def send(count: int) -> list[float]:
        connection = connect(url)
        return [deliver(connection, body, signature) for _ in range(count)]

    return send
