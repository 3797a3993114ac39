"""A service elsewhere, asked over HTTP: https, no redirects, its errors as ours."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from app.cli import logins
from app.cli.client import Client, refusal
from app.core.addresses import is_loopback
from app.core.errors import CoppiceError, Invalid, Unauthorized

_TIMEOUT_SECONDS = (10, 60)
_BUSY = {"busy", "overloaded"}
"""Codes of what passes by itself: the same request is to be sent again in a moment."""
_BUSY_SECONDS = 30.0
_PAUSE_SECONDS = 1.0


class ServiceUnreachable(CoppiceError):
    """The service did not answer, or something else answered."""

    code = "service_unreachable"
    advice = "Check the address and the network; `coppice --local` uses this machine's service."


def checked_url(text: str) -> str:
    """The address of a service, without a slash at its end. Raises Invalid."""
    try:
        url = urlsplit(text.strip())
        host, _ = url.hostname or "", url.port
    except ValueError:
        host, url = "", urlsplit("")
    is_safe = url.scheme == "https" or (url.scheme == "http" and is_loopback(host))
    if not host or not is_safe or url.username or url.password or url.query or url.fragment:
        raise Invalid(
            "This is not the address of a service.",
            advice="Write it as https://coppice.example.com; http only for this machine itself.",
        )
    return url.geturl().rstrip("/")


class RemoteClient(Client):
    """Talks to one service, with a token or without."""

    is_elsewhere = True

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = checked_url(url)
        self.folder = logins.folder()
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        self._session.auth = _Bearer(token)

    def close(self) -> None:
        self._session.close()

    def check_reachable(self, instance: str) -> None:
        """See `Client`; the service's own answers tell."""

    def work(self, database: Mapping[str, Any]) -> bool:
        """See `Client`; a worker of the service does it."""
        return False

    def _ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                return self._ask_once(method, path, parameters, body)
            except CoppiceError as error:
                if error.code not in _BUSY or time.monotonic() > until:
                    raise
            time.sleep(_PAUSE_SECONDS)

    def _ask_once(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        try:
            answer = self._session.request(
                method,
                f"{self.url}/api/v1{path}",
                params=parameters,
                json=body,
                timeout=_TIMEOUT_SECONDS,
                # It would carry the token to wherever the answer says.
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ServiceUnreachable(f"{self.url} does not answer.") from error
        return self._read(answer)

    def _read(self, answer: requests.Response) -> dict[str, Any]:
        # 202 without a body: it was begun.
        if answer.status_code == 204 or (answer.status_code == 202 and not answer.content):
            return {}
        try:
            content = answer.json()
        except requests.JSONDecodeError:
            content = None
        if not isinstance(content, dict) or 300 <= answer.status_code < 400:
            raise ServiceUnreachable(
                f"{self.url} answered {answer.status_code}, and not as Coppice does."
            )
        if answer.status_code == 401:
            raise Unauthorized(
                str(content.get("message", "")), advice=f"Log in again: coppice login {self.url}"
            )
        if answer.status_code >= 400:
            raise refusal(content)
        return content


class _Bearer(AuthBase):
    """The token and nothing else: without this, requests would take a password from ~/.netrc."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request
