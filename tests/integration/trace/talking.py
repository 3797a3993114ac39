"""Speaks PostgreSQL's protocol message by message, to compare what two servers answer."""

import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pgwire import messages
from pgwire.client import Target, opened
from pgwire.line import Line

Heard = tuple[bytes, bytes]
"""Kind and body of a message."""

FIRST_NORMAL_OID = 16384
SYNC = messages.frame(b"S", b"")
FLUSH = messages.frame(b"H", b"")
COPY_DONE = messages.frame(b"c", b"")


def query(text: str) -> bytes:
    return messages.query(text)


def parse(text: str, name: str = "") -> bytes:
    return messages.frame(b"P", f"{name}\0{text}\0".encode() + b"\0\0")


def bind(*values: str, portal: str = "", name: str = "") -> bytes:
    given = b"".join(struct.pack("!i", len(each.encode())) + each.encode() for each in values)
    body = f"{portal}\0{name}\0".encode() + struct.pack("!hh", 0, len(values)) + given + b"\0\0"
    return messages.frame(b"B", body)


def describe(portal: str = "") -> bytes:
    return messages.frame(b"D", b"P" + portal.encode() + b"\0")


def execute(limit: int = 0, portal: str = "") -> bytes:
    return messages.frame(b"E", portal.encode() + b"\0" + struct.pack("!i", limit))


def close(name: str, kind: str = "S") -> bytes:
    return messages.frame(b"C", f"{kind}{name}\0".encode())


def rows(*lines: str) -> bytes:
    return b"".join(messages.frame(b"d", f"{line}\n".encode()) for line in lines)


@dataclass(frozen=True)
class Talk:
    line: Line

    def say(self, *said: bytes) -> None:
        self.line.send(b"".join(said))

    def hear(self, kinds: bytes = b"Z") -> list[Heard]:
        """All messages up to the first of one of these kinds, or to the end of the connection."""
        heard: list[Heard] = []
        while not heard or heard[-1][0] not in kinds:
            try:
                message = self.line.receive()
            except ConnectionError:
                return [*heard, (b"", b"")]
            heard.append((message.kind, _comparable(message)))
        return heard

    def ask(self, *said: bytes) -> list[Heard]:
        self.say(*said)
        return self.hear()


@contextmanager
def talking(target: Target) -> Iterator[Talk]:
    until = time.monotonic() + 30
    line, _ = opened(target, until=until, parameters={"client_encoding": "UTF8"})
    with closing(line):
        yield Talk(line)


def _comparable(message: messages.Message) -> bytes:
    """Without what is each side's own: numbers of tables and types, lines of the server's code."""
    if message.kind in (b"E", b"N"):
        fields = message.body.split(b"\0")
        return b"\0".join(field for field in fields if field[:1] not in (b"F", b"L", b"R"))
    if message.kind == b"A":
        return message.body[4:]  # from which process it comes
    if message.kind != b"T":
        return message.body
    columns = bytearray(message.body)
    at = 2
    while at < len(columns):
        at = columns.index(b"\0", at) + 1
        columns[at : at + 6] = bytes(6)
        if int.from_bytes(columns[at + 6 : at + 10], "big") >= FIRST_NORMAL_OID:
            columns[at + 6 : at + 10] = bytes(4)
        at += 18
    return bytes(columns)
