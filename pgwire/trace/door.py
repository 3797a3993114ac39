"""Lets a client in: its side of a login, as far as the server behind has no part in it.

The client proves by SCRAM that it has the run's password, as it would to the server itself. To ask
for it in plain would be no simpler for clients, as all of them can do this, and less safe: whoever
took over the port after us, another user of the runner, would be given the password. So nothing
that travels over loopback is of use to others, and a client that insists on SCRAM is content.
"""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgwire import messages
from pgwire.scram import MECHANISM, ScramFailed, Verifier

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from pgwire.line import Line

_LONGEST_START = 10_000  # as PostgreSQL
_MOST_REQUESTS = 4
_VERSION_3_0 = 3 << 16
_OPTION = "_pq_."
_TLS_HELLO = b"\x16"
AUTHENTICATED = messages.frame(b"R", struct.pack("!i", messages.AUTHENTICATION_OK))


class TurnedAway(Exception):
    """This client is not let in, and was told why."""


class Guard:
    """Who may come in, and how they may be spoken to."""

    def __init__(self, *, user: str, password: str, tls: ssl.SSLContext | None = None) -> None:
        self.user = user
        self.verifier = Verifier(password=password, salt=secrets.token_bytes(16))
        self.tls = tls


@dataclass(frozen=True)
class Cancel:
    """A request to cancel what another connection does, as it came."""

    request: bytes = field(repr=False)


@dataclass(frozen=True)
class Startup:
    """What a client asks for at its beginning."""

    parameters: Mapping[str, str]
    """Without `user`, `database`, and what the protocol's later versions have."""
    user: str
    database: str


def admit(line: Line, guard: Guard) -> Startup | Cancel:
    """Hear a client out, and let it prove who it is. Raises TurnedAway, BrokenProtocol, OSError."""
    request, body = _first_request(line, guard)
    if request == messages.CODE_CANCEL:
        return Cancel(struct.pack("!ii", len(body) + 8, request) + body)
    if request >> 16 != 3:
        raise _refused(line, "0A000", f"unsupported frontend protocol {request >> 16}")
    asked = _parameters(body)
    options = [name for name in asked if name.startswith(_OPTION)]
    if request != _VERSION_3_0 or options:
        line.send(_negotiation(options))
    startup = Startup(
        parameters={
            name: value
            for name, value in asked.items()
            if name not in ("user", "database", *options)
        },
        user=asked.get("user", ""),
        database=asked.get("database") or asked.get("user", ""),
    )
    _authenticate(line, guard, startup.user)
    return startup


def refusal(sqlstate: str, why: str) -> bytes:
    """Say that the connection ends here."""
    fields = {"S": "FATAL", "V": "FATAL", "C": sqlstate, "M": why}
    parts = [f"{name}{value}".encode() + b"\0" for name, value in fields.items()]
    return messages.frame(b"E", b"".join(parts) + b"\0")


def _first_request(line: Line, guard: Guard) -> tuple[int, bytes]:
    is_encrypted = False
    for _ in range(_MOST_REQUESTS):
        if guard.tls is not None and not is_encrypted and line.peek() == _TLS_HELLO:
            line.answer_tls(guard.tls)  # without a request before, as sslnegotiation=direct does
            is_encrypted = True
        length, code = struct.unpack("!ii", line.exactly(8))
        if not 8 <= length <= _LONGEST_START:
            raise messages.BrokenProtocol
        body = line.exactly(length - 8)
        if code == messages.CODE_SSL and guard.tls is not None and not is_encrypted:
            line.send(b"S")
            line.answer_tls(guard.tls)
            is_encrypted = True
        elif code in (messages.CODE_SSL, messages.CODE_GSS):
            line.send(b"N")
        else:
            return code, body
    raise messages.BrokenProtocol


def _parameters(body: bytes) -> dict[str, str]:
    texts = [part.decode("utf-8", "surrogateescape") for part in body.split(b"\0")]
    return {name: value for name, value in zip(texts[::2], texts[1::2]) if name}


def _negotiation(options: list[str]) -> bytes:
    names = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in options)
    return messages.frame(b"v", struct.pack("!ii", _VERSION_3_0, len(options)) + names)


def _authenticate(line: Line, guard: Guard, user: str) -> None:
    try:
        _exchange(line, guard.verifier)
        is_known = secrets.compare_digest(user.encode("utf-8", "replace"), guard.user.encode())
    except ScramFailed:
        is_known = False
    if not is_known:
        raise _refused(line, "28P01", f'password authentication failed for user "{user}"')


def _exchange(line: Line, verifier: Verifier) -> None:
    line.send(_request(messages.AUTHENTICATION_SASL, MECHANISM.encode() + b"\0\0"))
    mechanism, _, rest = _answer(line).partition(b"\0")
    if mechanism != MECHANISM.encode() or len(rest) < 4:
        raise ScramFailed("it knows no mechanism of ours")
    client_first = rest[4:]
    server_first = verifier.challenge(client_first, nonce=secrets.token_urlsafe(24))
    line.send(_request(messages.AUTHENTICATION_SASL_CONTINUE, server_first))
    proof = verifier.proof(client_first, server_first, _answer(line))
    line.send(_request(messages.AUTHENTICATION_SASL_FINAL, proof))


def _answer(line: Line) -> bytes:
    message = line.receive()
    if message.kind != b"p":
        raise ScramFailed("it gave no password")
    return message.body


def _request(code: int, data: bytes) -> bytes:
    return messages.frame(b"R", struct.pack("!i", code) + data)


def _refused(line: Line, sqlstate: str, why: str) -> TurnedAway:
    line.send(refusal(sqlstate, why.encode("utf-8", "replace").decode()))
    return TurnedAway(why)
