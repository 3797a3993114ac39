"""The App's own JWT, and installation tokens no wider than the work at hand."""

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import cast

import jwt
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github import Auth

from app.core.identifiers import InstallationId, RepositoryId
from app.github.answers import read_time, text
from app.github.failures import GitHubRefused, RepositoryNotGranted, TokenNotGranted
from app.github.transport import Transport

_RENEW_BEFORE = timedelta(minutes=5)
_UNPROCESSABLE = 422
_MOST_TOKENS = 10_000
_TRIAL = b"a signature that is compared and shown to nobody"

READ: Mapping[str, str] = {
    "actions": "read",
    "contents": "read",
    "metadata": "read",
    "pull_requests": "read",
}
"""Facts about a repository."""
LIST: Mapping[str, str] = {"metadata": "read"}
"""Which repositories there are."""
WRITE_CHECKS: Mapping[str, str] = {"checks": "write", "metadata": "read"}
COMMENT: Mapping[str, str] = {"metadata": "read", "pull_requests": "write"}
RERUN: Mapping[str, str] = {"actions": "write", "metadata": "read"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a token may do: one installation, one repository of it or all, some permissions."""

    installation_id: InstallationId
    repository_id: RepositoryId | None
    permissions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    value: str = field(repr=False)
    expires_at: datetime


@functools.lru_cache(maxsize=1)
def _read(private_key: str) -> RSAPrivateKey:
    """The key, which is read at its first use, and once in a process: there is but one App.

    OpenSSL's own check of a key looks for primes, which takes 40 ms: more than all else that most
    commands and deliveries need of this process. A signature that its public half confirms shows
    as well that the key is good for what it is here for, in less than one.

    Raises InvalidSignature when its numbers do not belong together.
    """
    key = load_pem_private_key(private_key.encode(), None, unsafe_skip_rsa_key_validation=True)
    key = cast(RSAPrivateKey, key)
    signature = key.sign(_TRIAL, PKCS1v15(), SHA256())
    key.public_key().verify(signature, _TRIAL, PKCS1v15(), SHA256())
    return key


def _signer(private_key: str) -> Callable[[dict[str, object]], str]:
    def sign(claims: dict[str, object]) -> str:
        return jwt.encode(claims, _read(private_key), algorithm="RS256")

    return sign


class Tokens:
    """Makes tokens and keeps them until shortly before they expire. Thread-safe.

    The private key stays inside the signer, which shows it nowhere.
    """

    def __init__(self, transport: Transport, *, app_id: int, private_key: str) -> None:
        # `iat` a minute ago and `exp` in five: clocks may differ, and GitHub allows ten minutes.
        sign = _signer(private_key)
        self._app = Auth.AppAuth(app_id, sign_func=sign, jwt_expiry=300, jwt_issued_at=-60)
        self._transport = transport
        self._lock = threading.Lock()
        self._making: dict[Scope, threading.Lock] = {}
        self._tokens: dict[Scope, _Token] = {}

    def of_app(self) -> str:
        """A fresh JWT of the App."""
        return self._app.token

    def of(self, scope: Scope) -> str:
        """A token of this scope; several threads that need a new one cause one request.

        Raises GitHubHasNot when the installation is gone, GitHubRefused when it is suspended or
        lacks a permission.
        """
        with self._lock:
            making = self._making.setdefault(scope, threading.Lock())
        with making:
            token = self._tokens.get(scope)
            if token is None or token.expires_at - _RENEW_BEFORE < datetime.now(UTC):
                token = self._make(scope)
                self._keep(scope, token)
            return token.value

    def forget(self, scope: Scope, value: str) -> None:
        """GitHub refused this token: the next use makes a new one."""
        with self._lock:
            kept = self._tokens.get(scope)
            if kept is not None and kept.value == value:
                del self._tokens[scope]

    def _make(self, scope: Scope) -> _Token:
        body: dict[str, object] = {"permissions": dict(scope.permissions)}
        if scope.repository_id is not None:
            body["repository_ids"] = [scope.repository_id]
        try:
            answer = self._transport.request(
                "POST",
                f"/app/installations/{scope.installation_id}/access_tokens",
                token=self.of_app(),
                body=body,
            )
        except GitHubRefused as error:
            if error.status == _UNPROCESSABLE:
                raise self._lacking(scope, error) from error
            raise
        return _Token(
            value=text(answer.data, "token"), expires_at=read_time(answer.data, "expires_at")
        )

    def _lacking(self, scope: Scope, error: GitHubRefused) -> TokenNotGranted:
        """Whether it is the repository or a permission: GitHub's answer is the same but for words.

        Raises GitHubUnavailable when that cannot be known.
        """
        if scope.repository_id is None:
            return TokenNotGranted(error.status, error.reason)
        try:
            self.of(replace(scope, repository_id=None))
        except GitHubRefused:
            return TokenNotGranted(error.status, error.reason)
        return RepositoryNotGranted(error.status, error.reason)

    def _keep(self, scope: Scope, token: _Token) -> None:
        with self._lock:
            if len(self._tokens) >= _MOST_TOKENS:
                self._tokens.clear()
                self._making.clear()
            self._tokens[scope] = token
