"""Whether a server could listen somewhere: PostgreSQL itself only logs that it cannot."""

import errno
import socket

from app.core.errors import Conflict, Invalid

LOOPBACK = "127.0.0.1"


def check_can_listen(host: str, port: int | None) -> None:
    """Try to listen on the host, and on loopback beside it, for a moment.

    Raises:
        Invalid: The host is no address of this machine, or the port is not for this account.
        Conflict: Another program listens on the port.
    """
    for each in dict.fromkeys((LOOPBACK, host)):
        try:
            [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
                each, port or 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen()
        except OSError as error:
            where = f"{each}, port {port}" if port else each
            if error.errno == errno.EADDRINUSE:
                raise Conflict(
                    f"Another program listens on {where}.",
                    advice="Stop that program, or choose another port (--port).",
                ) from error
            raise Invalid(
                f"No server can listen on {where}: {error.strerror}.",
                advice="Listen on an address of the service's machine, as `ip address` lists them"
                " there (0.0.0.0: all), and on a port that its account may use.",
            ) from error
