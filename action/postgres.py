"""A minimal PostgreSQL client: enough to log in and ask one question, as libpq would."""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from action import wire
from action.redact import plain
from action.scram import MECHANISM, Exchange, ScramFailed
from action.trust import certificate_context

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_SECONDS = 15.0
_KEEPALIVE_SECONDS = 30
_MOST_MESSAGES = 500  # a login and one row take about twenty


class Unreachable(Exception):
    """No connection; `str()` says why."""


class TlsFailed(Exception):
    """The connection is not as safe as `sslmode` asks; `str()` says why."""


class LoginRefused(Exception):
    """The server refused; `sqlstate` is its code, empty when it broke the protocol."""

    def __init__(self, why: str, *, sqlstate: str = "") -> None:
        super().__init__(why)
        self.sqlstate = sqlstate


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


class Session:
    """A session that is logged in. Safe for threads: one question at a time."""

    def __init__(self, connection: socket.socket, *, process_id: int) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.process_id = process_id
        """Of the server process, as it names itself; a pooler gives another number."""

    def limit(self, seconds: float) -> None:
        """Wait for each piece of an answer no longer than that, from now on."""
        self._connection.settimeout(seconds)

    def rows(self, sql: str) -> list[list[str | None]]:
        """Ask a query and return its rows as text."""
        with self._lock:
            return self._ask(sql)

    def _ask(self, sql: str) -> list[list[str | None]]:
        self._connection.sendall(wire.query(sql))
        rows = []
        for _ in range(_MOST_MESSAGES):
            message = _receive(self._connection)
            if message.kind == b"D":
                rows.append(wire.row(message))
            elif message.kind == b"E":
                raise _refusal(message)
            elif message.kind == b"Z":
                return rows
        raise wire.BrokenProtocol


@contextmanager
def session(target: Target) -> Iterator[Session]:
    """Connect and log in. Raises Unreachable, TlsFailed, LoginRefused."""
    with _connected(target) as plain:
        try:
            with _encrypted(plain, target) as connection:
                yield Session(connection, process_id=_log_in(connection, target))
                with suppress(OSError):
                    connection.sendall(wire.frame(b"X", b""))
        except (wire.BrokenProtocol, ScramFailed) as error:
            why = str(error) or "what answers there is not PostgreSQL"
            raise LoginRefused(why) from error
        except ssl.SSLError as error:
            raise TlsFailed("the encrypted connection broke") from error
        except OSError as error:
            raise Unreachable(_words(error)) from error


def _connected(target: Target) -> socket.socket:
    try:
        plain = socket.create_connection((target.host, target.port), timeout=TIMEOUT_SECONDS)
    except (OSError, UnicodeError) as error:
        raise Unreachable(_words(error)) from error
    # Some sessions are silent while a command runs, and networks forget those after minutes.
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):  # not on macOS
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_SECONDS)
    return plain


def _encrypted(plain: socket.socket, target: Target) -> socket.socket:
    """Ask for TLS as libpq does for each sslmode.

    https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
    """
    if target.sslmode in ("disable", "allow"):
        return plain
    plain.sendall(wire.SSL_REQUEST)
    answer = plain.recv(1)
    if answer == b"N" and target.sslmode == "prefer":
        return plain
    if answer == b"N":
        raise TlsFailed(f"the server does not support TLS, which sslmode={target.sslmode} needs")
    if answer != b"S":
        raise wire.BrokenProtocol
    context = certificate_context(target.sslmode, ca_certificate=target.ca_certificate)
    try:
        return context.wrap_socket(plain, server_hostname=target.host)
    except ssl.SSLCertVerificationError as error:
        raise TlsFailed(f"its certificate is not accepted ({error.verify_message})") from error
    except ssl.SSLError as error:
        raise TlsFailed("the server and this runner agree on no TLS version") from error


def _log_in(connection: socket.socket, target: Target) -> int:
    """Log in; returns the id of the server process, 0 where none was told."""
    # Nothing else: a pooler refuses startup parameters that it does not know.
    parameters = {"user": target.user, "database": target.database, "client_encoding": "UTF8"}
    connection.sendall(wire.startup(parameters))
    exchange = Exchange(password=target.password, nonce=secrets.token_urlsafe(24))
    process_id = 0
    for _ in range(_MOST_MESSAGES):
        message = _receive(connection)
        if message.kind == b"R":
            answer = _answer(message, exchange)
            if answer:
                connection.sendall(answer)
        elif message.kind == b"E":
            raise _refusal(message)
        elif message.kind == b"K":
            process_id = wire.process_id(message)
        elif message.kind == b"Z":
            return process_id
    raise wire.BrokenProtocol


def _answer(message: wire.Message, exchange: Exchange) -> bytes:
    code, data = wire.authentication(message)
    if code == wire.AUTHENTICATION_SASL:
        if MECHANISM.encode() not in data.split(b"\0"):
            raise LoginRefused(f"it does not offer {MECHANISM}")
        return wire.sasl_initial(MECHANISM, exchange.first())
    if code == wire.AUTHENTICATION_SASL_CONTINUE:
        return wire.frame(b"p", exchange.final(data))
    if code == wire.AUTHENTICATION_SASL_FINAL:
        exchange.verify(data)
        return b""
    if code == wire.AUTHENTICATION_OK:
        exchange.close()
        return b""
    # A password in the clear, or as good as that, is not for a server that proved nothing.
    asked = wire.AUTHENTICATION_NAMES.get(code, "a login of an unknown kind")
    raise LoginRefused(f"it asks for {asked} instead of {MECHANISM}")


def _receive(connection: socket.socket) -> wire.Message:
    header = _exactly(connection, 5)
    return wire.Message(kind=header[:1], body=_exactly(connection, wire.body_length(header)))


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise ConnectionResetError
        received += piece
    return bytes(received)


def _refusal(message: wire.Message) -> LoginRefused:
    fields = wire.error_fields(message)
    return LoginRefused(
        plain(fields.get("M", "without a reason"), limit=300), sqlstate=fields.get("C", "")
    )


def _words(error: Exception) -> str:
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return "its name cannot be resolved"
    if isinstance(error, socket.timeout):
        return f"no answer within {TIMEOUT_SECONDS:.0f} seconds"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ConnectionError):
        return "the connection was closed"
    return getattr(error, "strerror", None) or type(error).__name__
