"""PostgreSQL's messages: framing and the few bodies that we need. No connections.

Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
CODE_CANCEL, CODE_SSL, CODE_GSS = 80877102, 80877103, 80877104
_PROTOCOL_3_0 = 196608
LONGEST_BYTES = 1_000_000

AUTHENTICATION_OK = 0
AUTHENTICATION_CLEARTEXT = 3
AUTHENTICATION_MD5 = 5
AUTHENTICATION_SASL = 10
AUTHENTICATION_SASL_CONTINUE = 11
AUTHENTICATION_SASL_FINAL = 12
AUTHENTICATION_NAMES = {2: "Kerberos", 3: "a plain password", 5: "MD5", 7: "GSSAPI", 9: "SSPI"}


class BrokenProtocol(Exception):
    """What answers does not speak PostgreSQL's protocol."""


@dataclass(frozen=True)
class Message:
    """One message of the server."""

    kind: bytes
    body: bytes = field(repr=False)


def startup(parameters: Mapping[str, str]) -> bytes:
    """Ask for a session."""
    pairs = b"".join(_text(key) + _text(value) for key, value in parameters.items())
    body = struct.pack("!i", _PROTOCOL_3_0) + pairs + b"\0"
    return struct.pack("!i", len(body) + 4) + body


def sasl_initial(mechanism: str, data: bytes) -> bytes:
    """Start a login by SASL."""
    return frame(b"p", _text(mechanism) + struct.pack("!i", len(data)) + data)


def password(text: str) -> bytes:
    """Give the password, or what MD5 makes of it."""
    return frame(b"p", _text(text))


def query(sql: str) -> bytes:
    """Ask one simple query."""
    return frame(b"Q", _text(sql))


def frame(kind: bytes, body: bytes) -> bytes:
    """Put a kind and a length in front of a body."""
    return kind + struct.pack("!i", len(body) + 4) + body


def body_length(header: bytes) -> int:
    """Read how many bytes follow the five of a message's header."""
    length: int = struct.unpack("!i", header[1:5])[0] - 4
    if not 0 <= length <= LONGEST_BYTES:
        raise BrokenProtocol
    return length


def authentication(message: Message) -> tuple[int, bytes]:
    """Split an authentication request into its code and what follows."""
    if len(message.body) < 4:
        raise BrokenProtocol
    return struct.unpack("!i", message.body[:4])[0], message.body[4:]


def process_id(message: Message) -> int:
    """Read a BackendKeyData: which process cancels and says are about."""
    if len(message.body) < 4:
        raise BrokenProtocol
    number: int = struct.unpack("!i", message.body[:4])[0]
    return number


def error_fields(message: Message) -> dict[str, str]:
    """Read an ErrorResponse: `C` is the SQLSTATE."""
    parts = message.body.split(b"\0")
    return {part[:1].decode("latin-1"): part[1:].decode("utf-8", "replace") for part in parts}


def row(message: Message) -> list[str | None]:
    """Read the columns of a DataRow, in text format."""
    try:
        (count,) = struct.unpack_from("!h", message.body)
        position = 2
        columns: list[str | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from("!i", message.body, position)
            position += 4
            end = position + max(length, 0)
            columns.append(None if length < 0 else message.body[position:end].decode())
            position = end
    except (struct.error, UnicodeDecodeError):
        raise BrokenProtocol from None
    return columns


def _text(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape") + b"\0"
