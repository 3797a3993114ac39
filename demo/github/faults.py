"""Faults by script: the next requests that match are answered wrongly."""

import re
import socket
import threading
import time
from dataclasses import dataclass, field

from flask import Response, request

_HTML = "<html><body><h1>Unicorn!</h1><p>We had issues producing the response.</p></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to answer wrongly."""

    status: int | None = None
    """None: the true answer, perhaps late or cut."""
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    after_work: bool = False
    """The request is carried out, but its answer is lost."""
    is_dropped: bool = False
    """The connection is closed instead of an answer."""
    reset_in_seconds: int | None = None
    """What the primary limit's headers say."""
    is_truncated: bool = False
    """The true answer's body, cut in the middle."""


@dataclass(slots=True, kw_only=True)
class _Planned:
    fault: Fault
    path: re.Pattern[str]
    method: str | None
    remaining: int


def server_error(status: int = 502) -> Fault:
    """A proxy's HTML page, as GitHub shows while it is overloaded."""
    return Fault(status=status, body=_HTML, headers={"Content-Type": "text/html"})


def lost_answer() -> Fault:
    """The work is done, but the client sees a 502."""
    return Fault(status=502, body=_HTML, headers={"Content-Type": "text/html"}, after_work=True)


def dropped(*, after_work: bool = False) -> Fault:
    """The connection breaks, before or after the work."""
    return Fault(is_dropped=True, after_work=after_work, status=None if after_work else 500)


def slow(seconds: float) -> Fault:
    return Fault(delay_seconds=seconds)


def truncated() -> Fault:
    """Half of the JSON."""
    return Fault(is_truncated=True)


def html() -> Fault:
    """200, but not the API's."""
    return Fault(status=200, body=_HTML, headers={"Content-Type": "text/html"})


def empty_list() -> Fault:
    """200 with nothing in it, as lists are shown now and then to those who may not see them."""
    return Fault(status=200, body="[]")


def not_found() -> Fault:
    return Fault(status=404, body='{"message": "Not Found", "status": "404"}')


def unauthorized() -> Fault:
    return Fault(status=401, body='{"message": "Bad credentials", "status": "401"}')


def secondary_limit(retry_after_seconds: int) -> Fault:
    """https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api"""
    return Fault(
        status=403,
        body='{"message": "You have exceeded a secondary rate limit. Please wait."}',
        headers={"Retry-After": str(retry_after_seconds)},
    )


def too_many_requests(retry_after_seconds: int) -> Fault:
    return Fault(
        status=429,
        body='{"message": "You have exceeded a secondary rate limit. Please wait."}',
        headers={"Retry-After": str(retry_after_seconds)},
    )


def primary_limit(reset_in_seconds: int) -> Fault:
    return Fault(
        status=403,
        body='{"message": "API rate limit exceeded for installation ID 1."}',
        reset_in_seconds=reset_in_seconds,
    )


class Faults:
    """The plan, in order; a fault is used up by the requests that it answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []

    def plan(
        self, fault: Fault, *, path: str = "", method: str | None = None, times: int = 1
    ) -> None:
        """`path` is a regular expression searched in path and query, such as `branches.*page=2`."""
        planned = _Planned(fault=fault, path=re.compile(path), method=method, remaining=times)
        with self._lock:
            self._planned.append(planned)

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def left(self) -> int:
        """How many requests are still to be answered wrongly."""
        with self._lock:
            return sum(planned.remaining for planned in self._planned)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if one is planned."""
        with self._lock:
            for planned in self._planned:
                is_method = planned.method in (None, method)
                if planned.remaining and is_method and planned.path.search(path):
                    planned.remaining -= 1
                    return planned.fault
        return None


def apply(fault: Fault, answer: Response) -> Response:
    """Spoil an answer."""
    time.sleep(fault.delay_seconds)
    if fault.is_dropped:
        connection: socket.socket = request.environ["werkzeug.socket"]
        connection.shutdown(socket.SHUT_RDWR)
    if fault.is_truncated:
        answer.set_data(answer.get_data()[: len(answer.get_data()) // 2])
    if fault.status is not None:
        answer = Response(fault.body or "", fault.status, content_type="application/json")
        answer.headers.update(fault.headers)
    if fault.reset_in_seconds is not None:
        answer.headers["X-RateLimit-Remaining"] = "0"
        answer.headers["X-RateLimit-Reset"] = str(int(time.time()) + fault.reset_in_seconds)
    return answer
