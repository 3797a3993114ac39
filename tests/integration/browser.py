"""A browser in which somebody is logged in, as far as a service can tell."""

import re
import time
from dataclasses import asdict
from urllib.parse import urlsplit

import requests
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from app.web.auth import sessions
from app.web.auth.sessions import Person


class Browser:
    """Keeps the session's cookie, and sends the forms of the pages that it was shown."""

    def __init__(self, url: str, *, secret_key: str, login: str, user_id: int) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers["Accept"] = "text/html"
        # With its domain, so that the service's next cookie takes its place.
        cookie = _cookie(secret_key, login, user_id)
        self._session.cookies.set("coppice", cookie, domain=urlsplit(url).hostname, path="/")

    def get(self, path: str) -> requests.Response:
        return self._session.get(self._url + path, timeout=30, allow_redirects=False)

    def send(self, path: str, **fields: str) -> requests.Response:
        """Send a form of that page, as it stands there."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        assert found
        return self._session.post(
            self._url + path,
            data={"csrf_token": found[1], **fields},
            headers={"Origin": self._url},
            timeout=30,
            allow_redirects=False,
        )


def _cookie(secret_key: str, login: str, user_id: int) -> str:
    app = Flask("browser")
    app.secret_key = sessions.signing_keys([secret_key])[0]
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer
    person = Person(
        key=login, until=int(time.time()) + 3600, user_id=user_id, login=login, name=login
    )
    return str(signer.dumps({"person": asdict(person)}))
