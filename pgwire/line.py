"""A connection to a PostgreSQL server, encrypted as asked, that is waited for a limited time."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import suppress

from pgwire import messages
from pgwire.trust import certificate_context

_KEEPALIVE_SECONDS = 30


class TlsFailed(Exception):
    """The connection is not as safe as `sslmode` asks; `str()` says why."""


class Line:
    """Messages of one connection; whoever waits longer than its time gets socket.timeout."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._until = until

    def limit(self, seconds: float) -> None:
        """Wait for all that follows no longer than this, from now on."""
        self._until = time.monotonic() + seconds

    def close(self) -> None:
        self._connection.close()

    def hang_up(self) -> None:
        """End it from another thread: whoever waits for it hears that there is no more."""
        with suppress(OSError):  # it has ended already
            self._connection.shutdown(socket.SHUT_RDWR)

    def detach(self) -> socket.socket:
        """Give the connection to whoever goes on with it in another way."""
        return self._connection

    def send(self, data: bytes) -> None:
        self._connection.settimeout(_left(self._until))
        self._connection.sendall(data)

    def receive(self) -> messages.Message:
        header = self.exactly(5)
        body = self.exactly(messages.body_length(header))
        return messages.Message(kind=header[:1], body=body)

    def peek(self) -> bytes:
        """Look at the first byte that comes, and leave it there; none at the end."""
        self._connection.settimeout(_left(self._until))
        return self._connection.recv(1, socket.MSG_PEEK)

    def exactly(self, count: int) -> bytes:
        received = bytearray()
        while len(received) < count:
            self._connection.settimeout(_left(self._until))
            piece = self._connection.recv(count - len(received))
            if not piece:
                raise ConnectionResetError
            received += piece
        return bytes(received)

    def encrypt(self, host: str, sslmode: str, *, ca_certificate: str | None) -> None:
        """Ask for TLS as libpq does for each sslmode. Raises TlsFailed.

        https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
        """
        if sslmode in ("disable", "allow"):
            return
        self.send(messages.SSL_REQUEST)
        answer = self.exactly(1)
        if answer == b"N" and sslmode == "prefer":
            return
        if answer == b"N":
            raise TlsFailed(f"the server does not support TLS, which sslmode={sslmode} needs")
        if answer != b"S":
            raise messages.BrokenProtocol
        context = certificate_context(sslmode, ca_certificate=ca_certificate)
        try:
            self._connection = context.wrap_socket(self._connection, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            raise TlsFailed(f"its certificate is not accepted ({error.verify_message})") from error
        except ssl.SSLError as error:
            raise TlsFailed("the two sides agree on no TLS version") from error
        except ConnectionError as error:
            raise TlsFailed("the server hung up when TLS was to begin") from error

    def answer_tls(self, context: ssl.SSLContext) -> None:
        """Encrypt as the server's side."""
        self._connection.settimeout(_left(self._until))
        self._connection = context.wrap_socket(self._connection, server_side=True)


def connect(host: str, port: int, *, until: float) -> Line:
    """Connect, to any address of the host that answers; `until` is of the monotonic clock.

    Raises OSError, socket.timeout among them, and UnicodeError for what is no host name.
    """
    connection = socket.create_connection((host, port), timeout=_left(until))
    # Some sessions are silent while a command runs, and networks forget those after minutes.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):  # not on macOS
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_SECONDS)
    return Line(connection, until)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise socket.timeout
    return left
