"""A minimal PostgreSQL client: enough to log in and ask one question, as libpq would."""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pgwire import messages
from pgwire.line import Line, TlsFailed, connect
from pgwire.scram import MECHANISM, Exchange, ScramFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_MESSAGES = 500  # a login and one row take about twenty
_NOT_IN_PG_HBA = "28000"
# As little as possible: a pooler refuses startup parameters that it does not know.
_PARAMETERS = {"client_encoding": "UTF8"}


class Unreachable(Exception):
    """No connection; `str()` says why."""


class LoginRefused(Exception):
    """The server refused, in its own words, which may be of any language.

    `sqlstate` is its code, empty when it broke the protocol. `is_authenticated` says whether it had
    taken the password before.
    """

    def __init__(
        self,
        why: str,
        *,
        sqlstate: str = "",
        is_authenticated: bool = False,
        answer: messages.Message | None = None,
    ) -> None:
        super().__init__(why)
        self.sqlstate = sqlstate
        self.is_authenticated = is_authenticated
        self.answer = answer
        """The server's own message, where it sent one."""


@dataclass(frozen=True)
class Target:
    """One database on one address, and how it must be reached."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    sslmode: str
    ca_certificate: str | None
    options: str = ""
    may_show_password: bool = False
    """Whether a server that asks for the password itself, or its MD5, gets it: libpq gives it."""
    timeout_seconds: float = 20.0
    """For the log-in, from the first packet to the last, and for each question after it."""


@dataclass(frozen=True)
class Greeting:
    """What a server says after it took the password."""

    process_id: int
    """0 where none was told."""
    messages: tuple[messages.Message, ...]
    """Settings, the key for cancelling, and that it is ready."""


class Session:
    """A session that is logged in. Safe for threads: one question at a time."""

    def __init__(self, line: Line, *, seconds: float, process_id: int) -> None:
        self._line = line
        self._seconds = seconds
        self._lock = threading.Lock()
        self.process_id = process_id
        """Of the server process, as it names itself; a pooler gives another number."""

    def limit(self, seconds: float) -> None:
        """Wait for each answer no longer than that, from now on."""
        self._seconds = seconds

    @contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Wait for answers so long meanwhile."""
        usual, self._seconds = self._seconds, seconds
        try:
            yield
        finally:
            self._seconds = usual

    def rows(self, sql: str) -> list[list[str | None]]:
        """Ask a query and return its rows as text."""
        with self._lock:
            return self._ask(sql)

    def _ask(self, sql: str) -> list[list[str | None]]:
        self._line.limit(self._seconds)
        self._line.send(messages.query(sql))
        rows = []
        refusal: LoginRefused | None = None
        for _ in range(_MOST_MESSAGES):
            message = self._line.receive()
            if message.kind == b"D":
                rows.append(messages.row(message))
            elif message.kind == b"E":
                refusal = _refusal(message, is_authenticated=True)
                if messages.error_fields(message).get("V") != "ERROR":
                    raise refusal  # nothing comes after it
            elif message.kind == b"Z":
                if refusal is not None:
                    raise refusal
                return rows
        raise messages.BrokenProtocol


@contextmanager
def session(target: Target) -> Iterator[Session]:
    """Connect and log in. Raises Unreachable, TlsFailed, LoginRefused."""
    until = time.monotonic() + target.timeout_seconds
    with explained(target):
        line, greeting = opened(target, until=until, parameters=_PARAMETERS)
        with closing(line):
            yield Session(line, seconds=target.timeout_seconds, process_id=greeting.process_id)
            with suppress(OSError):
                line.send(messages.frame(b"X", b""))


@contextmanager
def explained(target: Target) -> Iterator[None]:
    """Raise what breaks within as LoginRefused, TlsFailed or Unreachable."""
    try:
        yield
    except (messages.BrokenProtocol, ScramFailed) as error:
        why = str(error) or "what answers there is not PostgreSQL"
        raise LoginRefused(why) from error
    except ssl.SSLError as error:
        raise TlsFailed("the encrypted connection broke") from error
    except (OSError, UnicodeError) as error:
        raise Unreachable(_words(error, target)) from error


def opened(target: Target, *, until: float, parameters: Mapping[str, str]) -> tuple[Line, Greeting]:
    """Log in; `prefer` takes the other way too where a server has none for this one, as libpq.

    The parameters go into the startup message, beside the target's user, database and options.
    """
    try:
        return _logged_in(target, until, parameters)
    except TlsFailed:
        if target.sslmode != "prefer":
            raise
    except LoginRefused as error:
        if target.sslmode != "prefer" or error.sqlstate != _NOT_IN_PG_HBA or error.is_authenticated:
            raise
    return _logged_in(replace(target, sslmode="disable"), until, parameters)


def _logged_in(
    target: Target, until: float, parameters: Mapping[str, str]
) -> tuple[Line, Greeting]:
    line = connect(target.host, target.port, until=until)
    try:
        line.encrypt(target.host, target.sslmode, ca_certificate=target.ca_certificate)
        return line, _log_in(line, target, parameters)
    except BaseException:
        line.close()
        raise


def _log_in(line: Line, target: Target, parameters: Mapping[str, str]) -> Greeting:
    named = {"user": target.user, "database": target.database, **parameters}
    if target.options:
        named["options"] = " ".join(filter(None, (target.options, parameters.get("options"))))
    line.send(messages.startup(named))
    exchange = Exchange(password=target.password, nonce=secrets.token_urlsafe(24))
    is_authenticated = False
    process_id = 0
    told = []
    for _ in range(_MOST_MESSAGES):
        message = line.receive()
        if message.kind == b"R":
            code, data = messages.authentication(message)
            line.send(_answer(code, data, target, exchange))
            is_authenticated = is_authenticated or code == messages.AUTHENTICATION_OK
            continue
        if message.kind == b"E":
            raise _refusal(message, is_authenticated=is_authenticated)
        told.append(message)
        if message.kind == b"K":
            process_id = messages.process_id(message)
        elif message.kind == b"Z":
            return Greeting(process_id, tuple(told))
    raise messages.BrokenProtocol


def _answer(code: int, data: bytes, target: Target, exchange: Exchange) -> bytes:
    if code == messages.AUTHENTICATION_SASL:
        if MECHANISM.encode() not in data.split(b"\0"):
            raise LoginRefused(f"it does not offer {MECHANISM}")
        return messages.sasl_initial(MECHANISM, exchange.first())
    if code == messages.AUTHENTICATION_SASL_CONTINUE:
        return messages.frame(b"p", exchange.final(data))
    if code == messages.AUTHENTICATION_SASL_FINAL:
        exchange.verify(data)
        return b""
    if code == messages.AUTHENTICATION_OK:
        exchange.close()
        return b""
    if target.may_show_password and code == messages.AUTHENTICATION_CLEARTEXT:
        return messages.password(target.password)
    if target.may_show_password and code == messages.AUTHENTICATION_MD5:
        return messages.password(_md5(target, salt=data))
    # A password in the clear, or as good as that, is not for a server that proved nothing.
    asked = messages.AUTHENTICATION_NAMES.get(code, "a login of an unknown kind")
    raise LoginRefused(f"it asks for {asked} instead of {MECHANISM}")


def _md5(target: Target, *, salt: bytes) -> str:
    """https://www.postgresql.org/docs/current/protocol-flow.html, AuthenticationMD5Password."""
    inner = hashlib.md5((target.password + target.user).encode(), usedforsecurity=False)
    outer = hashlib.md5(inner.hexdigest().encode() + salt, usedforsecurity=False)
    return f"md5{outer.hexdigest()}"


def _refusal(message: messages.Message, *, is_authenticated: bool) -> LoginRefused:
    fields = messages.error_fields(message)
    return LoginRefused(
        fields.get("M", "without a reason"),
        sqlstate=fields.get("C", ""),
        is_authenticated=is_authenticated,
        answer=message,
    )


def _words(error: Exception, target: Target) -> str:
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "its name cannot be resolved"
    if isinstance(error, socket.timeout):
        return f"no answer within {target.timeout_seconds:.0f} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ConnectionError):
        return "the connection was closed"
    return getattr(error, "strerror", None) or type(error).__name__
