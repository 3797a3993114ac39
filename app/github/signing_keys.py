"""The issuer's public keys: fetched rarely, kept through its outages."""

import logging
import threading
import time
from collections.abc import Callable

import jwt
from jwt import PyJWK, PyJWKClient

from app.core.errors import TransientError

_TIMEOUT_SECONDS = 3.0
"""All threads of a process wait for one fetch, so it must not take long."""
_LIFESPAN_SECONDS = 300.0
"""A key that the issuer has withdrawn is used no longer than this while the issuer answers."""
_OUTAGE_SECONDS = 3600.0
"""And no longer than this while it does not."""
_UNKNOWN_KEY_SECONDS = 60.0
"""Tokens with invented key ids cause one fetch in this time, whoever sends how many."""
_FAILED_FETCH_SECONDS = 5.0

log = logging.getLogger(__name__)


class SigningKeyUnavailable(TransientError):
    """The key of a token is not known now; it may be after the next fetch."""

    code = "signing_key_unavailable"
    advice = "Nothing to do: the Action asks again. If it goes on, check the service's OIDC issuer."
    retry_after_seconds = 10


class SigningKeys:
    """Thread-safe; every process has its own."""

    def __init__(self, url: str, *, clock_seconds: Callable[[], float] = time.monotonic) -> None:
        self._client = PyJWKClient(url, cache_jwk_set=False, timeout=_TIMEOUT_SECONDS)
        self._now = clock_seconds
        self._lock = threading.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at: float | None = None
        self._ask_again_at = self._now()

    def find(self, key_id: str) -> PyJWK:
        """The key of this id. May read the issuer's key set over the network.

        Raises:
            SigningKeyUnavailable: No such key is known, and it is too early to ask again, or the
                issuer does not answer.
        """
        with self._lock:
            is_known_and_fresh = key_id in self._keys and self._age() < _LIFESPAN_SECONDS
            if not is_known_and_fresh and self._now() >= self._ask_again_at:
                self._fetch()
            key = self._keys.get(key_id) if self._age() < _OUTAGE_SECONDS else None
        if key is None:
            raise SigningKeyUnavailable("The key that signed the token is not known at present.")
        return key

    def _age(self) -> float:
        return self._now() - self._fetched_at if self._fetched_at is not None else float("inf")

    def _fetch(self) -> None:
        try:
            keys = {key.key_id: key for key in self._client.get_signing_keys() if key.key_id}
        except (jwt.PyJWTError, ValueError, RecursionError, OSError) as error:
            # The old keys stay: an outage of the issuer must not become one of ours.
            log.warning("cannot read the OIDC issuer's keys: %s", type(error).__name__)
            self._ask_again_at = self._now() + _FAILED_FETCH_SECONDS
            return
        self._keys, self._fetched_at = keys, self._now()
        self._ask_again_at = self._now() + _UNKNOWN_KEY_SECONDS
