"""TLS for the way to a traced command's database, which begins on loopback.

For tools whose own configuration demands it. The certificate is for that address and for one run.
"""

from __future__ import annotations

import re
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from action.credentials import InvalidReply
from action.fields import matching

_PEM = r"-----BEGIN {0}-----\n(?:[A-Za-z0-9+/=]{{1,76}}\n){{1,100}}-----END {0}-----\n"
_CERTIFICATE = re.compile(_PEM.format("CERTIFICATE"))
_KEY = re.compile(_PEM.format("PRIVATE KEY"))


@dataclass(frozen=True)
class Loopback:
    """All in PEM."""

    ca: str
    certificate: str
    key: str = field(repr=False)

    @property
    def secret(self) -> str:
        """What nobody may read of the key: all but its first and last line."""
        return "\n".join(self.key.splitlines()[1:-1])


@dataclass(frozen=True)
class Offer:
    """What the server's side needs, and what clients trust it by."""

    context: ssl.SSLContext
    root: Path


def loopback_in(reply: dict[str, Any]) -> Loopback | None:
    """Read it; None where the service is older, or has none to give. Raises InvalidReply."""
    sent = reply.get("loopback")
    if sent is None:
        return None
    if not isinstance(sent, dict):
        raise InvalidReply("`loopback` is malformed")
    return Loopback(
        ca=matching(sent, "ca", _CERTIFICATE),
        certificate=matching(sent, "certificate", _CERTIFICATE),
        key=matching(sent, "key", _KEY),
    )


def offer(loopback: Loopback | None, folder: Path) -> Offer | None:
    """Load it; None where that fails. The folder keeps what clients trust, and not the key."""
    if loopback is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
    context.set_alpn_protocols(["postgresql"])
    try:
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".pem") as file:  # only ours
            file.write(loopback.key + loopback.certificate)
            file.flush()
            context.load_cert_chain(file.name)
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".pem", delete=False) as root:
            root.write(loopback.ca)
    except OSError:  # SSLError is one
        return None
    return Offer(context, Path(root.name))
