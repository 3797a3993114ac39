"""The job's identity: GitHub's OIDC token, asked for when needed and renewed before it expires."""

from __future__ import annotations

import base64
import binascii
import json
import re
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from action import messages
from action.errors import ActionError
from action.transport import NoAnswer, Redirected, Request, Transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from action.inputs import Job

_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{8,20000}")
_UNKNOWN_LIFETIME_SECONDS = 120.0


class Identity:
    """Hands out a token that is good for a request now. Safe for threads.

    https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token
    """

    def __init__(self, job: Job, *, audience: str, transport: Transport) -> None:
        self._job = job
        self._audience = audience
        self._transport = transport
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = 0.0

    def token(self, *, hide: Callable[[str], None]) -> str:
        """Return the token; a new one is given to `hide` before anything else sees it."""
        with self._lock:
            if not self._token or time.monotonic() >= self._renew_at:
                asked_at = time.monotonic()
                self._token = self._ask()
                hide(self._token)
                self._renew_at = asked_at + 0.6 * lifetime_seconds(self._token)
            return self._token

    def forget(self) -> None:
        """Ask GitHub again next time: the service refused the present token."""
        with self._lock:
            self._token = ""

    def _ask(self) -> str:
        if not self._job.token_url or not self._job.token_secret:
            raise ActionError(messages.no_id_token())
        joint = "&" if "?" in self._job.token_url else "?"
        request = Request(
            method="GET",
            url=f"{self._job.token_url}{joint}audience={quote(self._audience, safe='')}",
            headers={
                "Authorization": f"Bearer {self._job.token_secret}",
                "Accept": "application/json",
                "User-Agent": "coppice-action",
            },
        )
        try:
            answer = self._transport.send(request)
        except (NoAnswer, Redirected) as error:
            raise ActionError(messages.token_unavailable(str(error))) from error
        if answer.status != 200:
            raise ActionError(messages.token_unavailable(f"HTTP status {answer.status}"))
        return _token_in(answer.body)


def lifetime_seconds(token: str) -> float:
    """Read how long a token lives from its own claims; no clock of another machine is involved."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        seconds = float(claims["exp"]) - float(claims["iat"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return _UNKNOWN_LIFETIME_SECONDS
    return seconds if 1 <= seconds <= 86_400 else _UNKNOWN_LIFETIME_SECONDS


def is_fork(event_file: Path | None) -> bool:
    """Whether the job runs for a pull request from another repository (or a deleted one)."""
    event = _event(event_file)
    pull_request = event.get("pull_request")
    if not isinstance(pull_request, dict):
        return False
    head, base = (_repository_id(pull_request.get(side)) for side in ("head", "base"))
    return head != base


def _repository_id(side: Any) -> int | None:
    repository = side.get("repo") if isinstance(side, dict) else None
    identifier = repository.get("id") if isinstance(repository, dict) else None
    return identifier if isinstance(identifier, int) else None


def _event(event_file: Path | None) -> dict[str, Any]:
    """Read the event; an unreadable one is as good as none, since the service asks GitHub."""
    if event_file is None:
        return {}
    try:
        event = json.loads(event_file.read_bytes())
    except (OSError, ValueError):
        return {}
    return event if isinstance(event, dict) else {}


def _token_in(body: bytes) -> str:
    try:
        token = json.loads(body)["value"]
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ActionError(messages.token_unavailable("an answer without a token"))
    return token
