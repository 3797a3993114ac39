"""The service and GitHub's token endpoint, as the Action sees them, following a script."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REQUEST_SECRET = "the-runners-own-request-secret"
RUNS = "/api/v1/runs"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer; `after` runs before it is sent."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after: Callable[[], None] = lambda: None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One request, as it came."""

    path: str
    body: dict[str, Any]
    token: str


class ScriptedService:
    """Answers each path with its replies in turn; the last one stays."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.tokens: list[str] = []
        self.token_seconds = 300
        self.audiences: list[str] = []
        self.token_reply: Reply | None = None
        self._replies: dict[str, list[Reply]] = {}
        self._lock = threading.Lock()

    @property
    def token_url(self) -> str:
        return f"{self.url}/token?api-version=2.0"

    def on(self, path: str, *replies: Reply) -> None:
        with self._lock:
            self._replies[path] = list(replies)

    def requests(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]

    def reports(self, environment: str, *, run: int = 17) -> list[dict[str, Any]]:
        return [s.body for s in self.requests(f"{RUNS}/{run}/databases/{environment}/result")]

    def answer(self, path: str, raw: bytes, token: str) -> Reply:
        with self._lock:
            body = json.loads(raw) if raw else {}
            self.seen.append(Seen(path=path, body=body, token=token))
            replies = self._replies.get(path, [])
            if not replies:
                return Reply(status=404, body={"error": "not_found", "message": "Not scripted."})
            return replies.pop(0) if len(replies) > 1 else replies[0]

    def new_token(self, query: str, secret: str) -> Reply:
        if self.token_reply:
            return self.token_reply
        if secret != f"Bearer {REQUEST_SECRET}":
            return Reply(status=401, body={})
        with self._lock:
            self.audiences += parse_qs(query).get("audience", [])
            now = int(time.time())
            claims = {"iat": now, "exp": now + self.token_seconds, "jti": len(self.tokens)}
            self.tokens.append(_jwt(claims))
            return Reply(body={"value": self.tokens[-1]})


def _jwt(claims: dict[str, Any]) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, claims)]
    signature = b"a signature of no meaning"
    encoded = [base64.urlsafe_b64encode(part).rstrip(b"=") for part in (*parts, signature)]
    return b".".join(encoded).decode()


@contextmanager
def serving() -> Iterator[ScriptedService]:
    """A scripted service on loopback while the block runs."""
    service = ScriptedService()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            self._send(service.answer(self.path, raw, token))

        def do_GET(self) -> None:
            secret = self.headers.get("Authorization", "")
            self._send(service.new_token(urlsplit(self.path).query, secret))

        def _send(self, reply: Reply) -> None:
            reply.after()
            is_raw = isinstance(reply.body, bytes)
            body = reply.body if is_raw else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


RUN_PAGE = "https://coppice.example.com/apps/3ba03b/runs/17"


def run_path(environment: str, what: str = "", *, run: int = 17) -> str:
    """Path of one database of the scripted run."""
    return f"{RUNS}/{run}/databases/{environment}{what}"


def run_reply(databases: Mapping[str, str], **changes: Any) -> Reply:
    """The answer to a new run that reaches these databases, in this order."""
    body = {
        "result": "run",
        "run": 17,
        "app": next(iter(databases.values())).partition("-")[0],
        "command": "true",
        "command_source": "assignment",
        "seed_command": "",
        "primary": next(iter(databases)),
        "databases": [
            {"environment": environment, "database": database}
            for environment, database in databases.items()
        ],
        "url": RUN_PAGE,
    }
    return Reply(body=body | changes)


def error_reply(status: int, code: str, *, retry_after: float | None = None) -> Reply:
    """An error answer of the service."""
    body: dict[str, Any] = {"error": code, "message": f"It is {code}.", "advice": "Be patient."}
    if retry_after is not None:
        body["retry_after"] = retry_after
    return Reply(status=status, body=body)


def verdict(*, fails: bool = False, again: bool = False, message: str = "") -> Reply:
    """The answer to a report."""
    return Reply(body={"next": "again" if again else "done", "fails": fails, "message": message})
