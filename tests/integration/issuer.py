"""A token issuer like GitHub's, on loopback: real RSA keys, real HTTP."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

AUDIENCE = "https://coppice.example.com"
MISSING = object()


@cache
def rsa_key(name: str) -> RSAPrivateKey:
    """A key of this name; made once in a process, because making one takes a while."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def encoded(part: object) -> str:
    """One part of a token."""
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Issuer:
    """Signs tokens, and serves its public keys."""

    url: str = ""
    keys: dict[str, RSAPrivateKey] = field(default_factory=dict)
    body: bytes | None = None
    """Instead of the keys."""
    status: int = 200
    fetches: int = 0

    def key_set(self) -> bytes:
        keys = [
            {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
            for kid, key in self.keys.items()
        ]
        return json.dumps({"keys": keys}).encode()

    def payload(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        payload = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "repo:octo/shop:ref:refs/heads/main",
            "jti": "0a1b",
            "iat": now,
            "nbf": now - 300,
            "exp": now + 300,
            "repository_id": "42",
            "repository_owner_id": "7",
            "repository": "octo/shop",
            "event_name": "push",
            "ref": "refs/heads/main",
            "ref_type": "branch",
            "head_ref": "",
            "sha": "a" * 40,
            "run_id": "900",
            "run_attempt": "1",
            "workflow_ref": "octo/shop/.github/workflows/ci.yml@refs/heads/main",
            "job_workflow_ref": "octo/shop/.github/workflows/ci.yml@refs/heads/main",
            "runner_environment": "github-hosted",
            "actor": "ada",
            "check_run_id": "5000",
        } | changes
        return {name: value for name, value in payload.items() if value is not MISSING}

    def token(self, *, headers: Any = None, **changes: Any) -> str:
        """A token with these claims changed; signed with the first key."""
        header = {"kid": next(iter(self.keys))} | (headers or {})
        key = self.keys.get(header["kid"], next(iter(self.keys.values())))
        return jwt.encode(self.payload(**changes), key, algorithm="RS256", headers=header)


@contextmanager
def serving_issuer() -> Iterator[Issuer]:
    """An issuer with the key `first`, while the block runs."""
    issuer = Issuer(keys={"first": rsa_key("first")})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches += 1
            is_known = self.path == "/.well-known/jwks"
            self.send_response(issuer.status if is_known else 404)
            self.end_headers()
            self.wfile.write(issuer.body if issuer.body is not None else issuer.key_set())

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
