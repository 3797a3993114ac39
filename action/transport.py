"""HTTP over the standard library: no redirects, bounded answers, few and patient retries."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from action.inputs import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_BYTES = 2_000_000
RETRIES = 5
LONGEST_PAUSE_SECONDS = 60.0
_RETRIED = (429, 502, 503, 504)


class NoAnswer(Exception):
    """Nothing usable came back; `str()` says why in a few words, without any secret."""


class CertificateRefused(NoAnswer):
    """The server's certificate is not trusted by this machine. Not worth repeating."""


class Redirected(Exception):
    """The server pointed elsewhere; following would hand the job's token to another server."""


@dataclass(frozen=True)
class Request:
    """One request; `headers` carry the token."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """What came back, whatever the status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Patience:
    """How long one exchange may take."""

    timeout_seconds: float = 20.0
    retries: int = RETRIES


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class Transport:
    """Sends requests; `pause` waits between attempts and may raise to give up."""

    def __init__(self, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause

    def send(self, request: Request, patience: Patience | None = None) -> Answer:
        """Send until there is an answer other than 429, 502, 503, 504 or retries run out.

        Every request of ours may be repeated. Raises NoAnswer, CertificateRefused, Redirected.
        """
        patience = patience or Patience()
        for attempt in range(patience.retries):
            try:
                answer = _send_once(request, timeout_seconds=patience.timeout_seconds)
            except CertificateRefused:
                raise
            except NoAnswer:
                self._pause(2.0**attempt / 2)
                continue
            if answer.status not in _RETRIED:
                return answer
            self._pause(_pause_seconds(answer, attempt))
        return _send_once(request, timeout_seconds=patience.timeout_seconds)


def _pause_seconds(answer: Answer, attempt: int) -> float:
    asked = answer.headers.get("retry-after", "")
    if asked.isascii() and asked.isdigit():
        return min(float(asked), LONGEST_PAUSE_SECONDS)
    return 2.0**attempt / 2


def _send_once(request: Request, *, timeout_seconds: float) -> Answer:
    if not request.url.startswith(("https://", "http://")):
        raise NoAnswer("its address is no URL")
    message = urllib.request.Request(  # noqa: S310 (just checked)
        request.url, data=request.body, headers=dict(request.headers), method=request.method
    )
    try:
        with _opener(request.url).open(message, timeout=timeout_seconds) as response:
            return _read(response.status, response.headers, response)
    except urllib.error.HTTPError as error:
        with error:
            if 300 <= error.code < 400:
                raise Redirected(urlsplit(error.headers.get("Location", "")).netloc) from None
            return _read(error.code, error.headers, error)
    except urllib.error.URLError as error:
        raise _no_answer(error.reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _no_answer(error) from error


def _opener(url: str) -> urllib.request.OpenerDirector:
    # Through a proxy, plain http meant for this machine would leave it, with the token.
    proxies: dict[str, str] | None = {} if is_loopback(urlsplit(url).hostname or "") else None
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _NoRedirects())


def _read(status: int, headers: Any, stream: IO[bytes]) -> Answer:
    body = stream.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise NoAnswer("it answered with more than 2 MB")
    # Reading with a limit does not notice a connection that broke off.
    announced = headers.get("Content-Length")
    if announced is not None and announced != str(len(body)):
        raise NoAnswer("its answer broke off")
    return Answer(status=status, headers={k.lower(): v for k, v in headers.items()}, body=body)


def _no_answer(reason: object) -> NoAnswer:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return CertificateRefused(f"its certificate is not trusted ({reason.verify_message})")
    for kind, words in _WORDS:
        if isinstance(reason, kind):
            return NoAnswer(words)
    return NoAnswer(f"the connection failed ({type(reason).__name__})")


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "its name cannot be resolved"),
    (socket.timeout, "it did not answer in time"),
    (ConnectionRefusedError, "it refused the connection"),
    (ssl.SSLError, "TLS failed"),
    (http.client.RemoteDisconnected, "it closed the connection without an answer"),
    (ConnectionResetError, "it reset the connection"),
)
