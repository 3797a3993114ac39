"""TCP ports for servers of our own."""

import errno
import secrets
import socket
import time
from pathlib import Path

# Below the range that Linux gives to outgoing connections (32768 and up): a port that a client
# connection happens to use when the machine starts again would keep the server from starting.
_LOWEST, _HIGHEST = 20_000, 32_000
_TRIES = 100


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if is_free(port):
            return port
    raise OSError(errno.EADDRINUSE, "no free port found")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def becomes_free(port: int, *, timeout_seconds: float) -> bool:
    """Wait for a port that may be about to be released."""
    deadline = time.monotonic() + timeout_seconds
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def read_port(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):
        return None
