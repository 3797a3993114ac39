"""A server that speaks German: the packaged one has no translations.

Between the real server and its clients the words of errors and notices are replaced, and nothing
else: codes stay, as they do where `lc_messages` is set.
https://www.postgresql.org/docs/current/protocol-error-fields.html
"""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from app.core.instances import Address
from pgwire import messages

_WORDS = {
    "28P01": "Passwort-Authentifizierung für Benutzer »%s« fehlgeschlagen",
    "28000": "kein pg_hba.conf-Eintrag für Host »%s«",
    "3D000": "Datenbank »%s« existiert nicht",
    "53300": "zu viele Verbindungen, tut uns leid",
}
_SEVERITIES = {"ERROR": "FEHLER", "NOTICE": "HINWEIS", "WARNING": "WARNUNG"}
_TOLD_IN_WORDS = (b"E", b"N")


@contextmanager
def speaking_german(address: Address) -> Iterator[Address]:
    """Where the server answers in German; without TLS, for as many clients at once as come."""
    ended = threading.Event()

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError), _connected(address) as server:
            _pass_on(client, server, ended)

    def accept() -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield replace(address, host="127.0.0.1", port=listener.getsockname()[1])
        finally:
            ended.set()
            thread.join()


def _connected(address: Address) -> socket.socket:
    return socket.create_connection((address.host, address.port))


def _pass_on(client: socket.socket, server: socket.socket, ended: threading.Event) -> None:
    unread = b""
    while not ended.is_set():
        for source in select.select([client, server], [], [], 0.2)[0]:
            piece = source.recv(65_536)
            if not piece:
                return
            if source is client:
                server.sendall(piece)
                continue
            translated, unread = _translated(unread + piece)
            client.sendall(translated)


def _translated(stream: bytes) -> tuple[bytes, bytes]:
    """Whole messages of the server in German, and what is left of the stream."""
    done = b""
    while len(stream) >= 5 and len(stream) >= (end := 5 + messages.body_length(stream[:5])):
        message = messages.Message(kind=stream[:1], body=stream[5:end])
        done += _in_german(message) if message.kind in _TOLD_IN_WORDS else stream[:end]
        stream = stream[end:]
    return done, stream


def _in_german(message: messages.Message) -> bytes:
    fields = {key: text for key, text in messages.error_fields(message).items() if key}
    fields["S"] = _SEVERITIES.get(fields["S"], fields["S"])
    fields["M"] = _WORDS.get(fields["C"], "das geht so nicht")
    fields.pop("H", None)
    body = b"".join(key.encode() + text.encode() + b"\0" for key, text in fields.items())
    return messages.frame(message.kind, body + b"\0")
