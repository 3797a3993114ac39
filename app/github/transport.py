"""Requests to GitHub through PyGithub's requester: one at a time on a connection, never twice."""

import queue
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPResponse, IncompleteRead
from typing import Any, cast

import requests
from github import Auth, Github, GithubException
from github.Requester import Requester
from urllib3 import Retry
from urllib3.connection import HTTPConnection

from app import patience
from app.core.errors import GitHubUnavailable
from app.github.failures import failure_of
from app.patience import Waiting

API_VERSION = "2022-11-28"
"""https://docs.github.com/en/rest/about-the-rest-api/api-versions"""

TIMEOUT_SECONDS = 10
"""To connect, and between two pieces of an answer."""

HURRIED_SECONDS = 4
"""The same, while a person or a job waits for what comes of it."""

_MOST_IDLE_CONNECTIONS = 8
# Of a repository's former name, and a branch's in it.
_MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A JSON answer with a status below 400."""

    data: Any
    next_page: str | None
    """Address of the next page of a list."""


class _Retry(Retry):
    """urllib3's, which is asked about each answer: PyGithub follows redirects without end.

    https://urllib3.readthedocs.io/en/stable/reference/urllib3.util.html#urllib3.util.Retry.is_retry
    """

    redirects = 0

    def is_retry(self, method: str, status_code: int, *rest: bool, **named: bool) -> bool:
        """Raise GitHubUnavailable when a request has been redirected too often."""
        if status_code == HTTPStatus.MOVED_PERMANENTLY:
            self.redirects += 1
            if self.redirects > _MOST_REDIRECTS:
                raise GitHubUnavailable("GitHub's answers lead from one name to the next.")
        return super().is_retry(method, status_code, *rest, **named)


class _Bearer(Auth.Auth):
    """The credentials of the request at hand; a connection serves one request at a time."""

    def __init__(self) -> None:
        self.value = ""

    def authentication(self, headers: dict[str, Any]) -> None:
        """Add nothing to a request without a token: GitHub refuses an empty one."""
        if self.value:
            super().authentication(headers)

    @property
    def token_type(self) -> str:
        return "Bearer"

    @property
    def token(self) -> str:
        return self.value

    @property
    def _masked_token(self) -> str:
        return "Bearer (removed)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Connection:
    is_hurried: bool
    github: Github
    requester: Requester
    retry: _Retry
    bearer: _Bearer


class Transport:
    """Thread-safe; keeps idle connections for the next request until it is closed.

    Reading is tried up to three times, writing once: a lost answer to a write is the caller's to
    settle. While somebody waits, what took too long is not tried again. No call sleeps for a rate
    limit: it raises GitHubUnavailable with the time to wait.
    """

    def __init__(self, api_url: str, *, timeout_seconds: int = TIMEOUT_SECONDS) -> None:
        take_whole_answers_only()
        self._api_url = api_url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._idle: dict[bool, queue.LifoQueue[_Connection]] = {
            is_hurried: queue.LifoQueue(_MOST_IDLE_CONNECTIONS) for is_hurried in (False, True)
        }

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One request, without a token as nobody in particular.

        `path` begins with a slash, or is the address of a next page.

        Raises GitHubUnavailable for faults, limits and answers that are not JSON, GitHubRefused
        for what GitHub will not do, GitHubHasNot for 404, TokenRefused for 401.
        """
        if patience.left(TIMEOUT_SECONDS, Waiting.FOR_GITHUB) <= 0:
            raise GitHubUnavailable("GitHub takes too long to answer at the moment.")
        connection = self._take()
        connection.bearer.value = token or ""
        connection.retry.redirects = 0
        try:
            with patience.spent("Asking GitHub", Waiting.FOR_GITHUB):
                headers, data = connection.requester.requestJsonAndCheck(
                    method, path, parameters=dict(parameters or {}), input=body
                )
        except GithubException as error:
            raise failure_of(error) from error
        except (requests.RequestException, ValueError, RuntimeError, AssertionError) as error:
            # ValueError: a broken body. The other two: a redirect or link to another host.
            raise GitHubUnavailable(f"GitHub did not answer: {type(error).__name__}") from error
        finally:
            connection.bearer.value = ""
            self._give_back(connection)
        links = requests.utils.parse_header_links(headers.get("link", ""))
        following = next((link["url"] for link in links if link.get("rel") == "next"), None)
        return Answer(data=data, next_page=following)

    def close(self) -> None:
        """Close the idle connections."""
        for idle in self._idle.values():
            while not idle.empty():
                idle.get_nowait().github.close()

    def _take(self) -> _Connection:
        is_hurried = patience.is_limited()
        try:
            return self._idle[is_hurried].get_nowait()
        except queue.Empty:
            return self._connect(is_hurried=is_hurried)

    def _give_back(self, connection: _Connection) -> None:
        try:
            self._idle[connection.is_hurried].put_nowait(connection)
        except queue.Full:
            connection.github.close()

    def _connect(self, *, is_hurried: bool) -> _Connection:
        bearer = _Bearer()
        retry = _Retry(
            total=2,
            connect=0 if is_hurried else None,
            read=0 if is_hurried else 1,
            backoff_factor=0.3,
            status_forcelist=(500, 502, 503, 504),
            allowed_methods=("GET", "HEAD"),
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        hurried_seconds = min(self._timeout_seconds, HURRIED_SECONDS)
        github = Github(
            auth=bearer,
            base_url=self._api_url,
            timeout=hurried_seconds if is_hurried else self._timeout_seconds,
            user_agent="coppice",
            # PyGithub's own retry class sleeps for as long as a rate limit says, up to an hour,
            # and repeats POST: the job that asked knows better when to come back.
            retry=retry,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
            api_version=API_VERSION,
        )
        return _Connection(
            is_hurried=is_hurried,
            github=github,
            requester=github.requester,
            retry=retry,
            bearer=bearer,
        )


class _Lines:
    """A stream that remembers its last line."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.last = b""

    def readline(self, *limits: int) -> bytes:
        self.last = self._stream.readline(*limits)
        return self.last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class WholeResponse(HTTPResponse):
    """An answer over HTTP whose head ends with an empty line: a head that was cut off is none.

    Python takes the end of a connection for the end of the head. What is left of a cut `Location`,
    `Link` or `Content-Length` then looks like one, and leads to something else. Bodies are counted
    by urllib3, and JSON that was cut anywhere is no JSON.
    """

    def begin(self) -> None:
        """Read the head. Raises IncompleteRead, which counts as a broken connection."""
        stream, lines = self.fp, _Lines(self.fp)
        self.fp = cast(Any, lines)
        try:
            super().begin()
        finally:
            self.fp = stream
        if lines.last not in (b"\r\n", b"\n"):
            raise IncompleteRead(lines.last)


def take_whole_answers_only() -> None:
    """For every request of this process that urllib3 makes: PyGithub has no place to ask for it.

    https://docs.python.org/3/library/http.client.html#http.client.HTTPConnection
    """
    HTTPConnection.response_class = WholeResponse
