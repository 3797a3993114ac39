"""A way to GitHub that cuts answers off: what came once is told again, up to some byte."""

import json
import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

Key = tuple[str, str]
"""Method and path."""

END = b"\r\n\r\n"
HEADERS = (b"content-type:", b"link:", b"location:")
FIELDS = {"id", "owner", "full_name", "default_branch", "private", "archived", "name", "commit"}
FIELDS |= {"sha", "protected", "message", "status", "token", "expires_at", "keys"}
FIELDS |= {"kid", "kty", "n", "e", "use", "alg"}


class Cutting:
    """Stands before a server on loopback; use as a context manager."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname or "", urlsplit(url).port or 0
        self._url = url
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.answers: dict[Key, bytes] = {}
        """As they came, by what was asked; each is asked for once."""
        self.cut: tuple[Key, int] | None = None
        """Which answer, and how many bytes of it come."""
        self.is_counted = True
        """Answers say how long they are; else the connection's end is theirs. Set at first."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            while request := read_message(stream):
                method, path, _ = request.split(b"\r\n", 1)[0].decode().split(" ")
                key = (method, path)
                answer = self._answer(key, request)
                length = self.cut[1] if self.cut and self.cut[0] == key else None
                connection.sendall(answer[:length])
                if length is not None or not self.is_counted:
                    return

    def _answer(self, key: Key, request: bytes) -> bytes:
        if key not in self.answers:
            # Small pages, so that there are several; a cut of each byte of a large one takes long.
            asked = request.replace(b"per_page=100", b"per_page=2")
            with (
                socket.create_connection((self._host, self._port)) as server,
                server.makefile("rb") as stream,
            ):
                server.sendall(asked)
                self.answers[key] = self._shortened(read_message(stream))
        return self.answers[key]

    def _shortened(self, answer: bytes) -> bytes:
        """With what is read of it alone: a cut of each byte of a long answer takes long."""
        address = self.url.removeprefix("http://").encode()
        head, _, body = answer.replace(urlsplit(self._url).netloc.encode(), address).partition(END)
        status, *lines = head.split(b"\r\n")
        kept = [line for line in lines if line.lower().startswith(HEADERS)]
        body = (
            json.dumps(essence(json.loads(body))).encode()
            if body.startswith((b"{", b"["))
            else body
        )
        length = b"Content-Length: %d" % len(body) if self.is_counted else b"Connection: close"
        return b"\r\n".join([status, *kept, length]) + END + body


def essence(data: object) -> object:
    """The fields that the service reads."""
    if isinstance(data, list):
        return [essence(each) for each in data]
    if isinstance(data, dict):
        return {name: essence(value) for name, value in data.items() if name in FIELDS}
    return data


def read_message(stream: object) -> bytes:
    """A request or an answer, head and body; empty at the end of the connection."""
    head = b""
    while not head.endswith(END):
        line: bytes = stream.readline()  # type: ignore[attr-defined]
        if not line:
            return b""
        head += line
    body: bytes = stream.read(length_of(head))  # type: ignore[attr-defined]
    return head + body


def length_of(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
