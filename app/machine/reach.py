"""Whether something listens at an address, as this machine sees it."""

import socket

from app.core.instances import Address

_TIMEOUT_SECONDS = 5.0


def answers(address: Address) -> bool:
    """Whether a connection can be opened; waits five seconds at most, and says nothing on it."""
    try:
        socket.create_connection((address.host, address.port), _TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True
