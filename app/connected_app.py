"""The App that the service is: the one of the settings, or one that is stored while it runs."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from app.config import Config
from app.core.errors import Conflict, GitHubUnavailable, TransientError
from app.core.github_app import GitHubApp
from app.operations.ports.github import GitHub
from app.operations.ports.sign_in import AppRegistration
from app.store.github_app import StoredGitHubApp

_LOOK_SECONDS = 1.0
"""How often a process looks for an App while there is none: unsigned requests cost no more."""
_LOOK_AGAIN_SECONDS = 5.0
"""How often it looks whether there is another one."""


class AppOfSettings:
    """The `AppRegistration` port when the settings name an App: nothing else counts."""

    is_from_settings = True

    def __init__(self, app: GitHubApp) -> None:
        self._app = app

    def current(self, *, is_fresh: bool = False) -> GitHubApp:
        return self._app

    def app_id(self) -> int:
        return self._app.app_id

    def store(self, app: GitHubApp) -> None:
        raise _of_settings()

    def forget(self) -> None:
        raise _of_settings()


def _of_settings() -> Conflict:
    return Conflict(
        "The GitHub App is set in the environment.",
        advice="Change COPPICE_GITHUB_APP_ID and the settings beside it, and start again.",
    )


class StoredApp:
    """The `AppRegistration` port over the store, which is read and decrypted now and then.

    `client` is the OAuth client of the settings, id and secret, if they name one.
    """

    is_from_settings = False

    def __init__(self, store: StoredGitHubApp, *, client: tuple[str, str] | None = None) -> None:
        self._store = store
        self._client = client
        self._lock = threading.Lock()
        self._known: GitHubApp | None = None
        self._version: object | None = None
        self._look_at = 0.0

    def current(self, *, is_fresh: bool = False) -> GitHubApp | None:
        if not is_fresh and time.monotonic() < self._look_at:
            return self._known
        with self._lock:
            if is_fresh or time.monotonic() >= self._look_at:
                self._look()
            return self._known

    def app_id(self) -> int | None:
        app = self.current()
        return None if app is None else app.app_id

    def store(self, app: GitHubApp) -> None:
        self._store.store(app)
        self._look_at = 0.0

    def forget(self) -> None:
        self._store.forget()
        self._look_at = 0.0

    def _look(self) -> None:
        try:
            version = self._store.version()
            if version != self._version:
                self._known, self._version = self._with_client(self._store.read()), version
        except TransientError:
            if self._known is None:
                raise
        pause = _LOOK_SECONDS if self._known is None else _LOOK_AGAIN_SECONDS
        self._look_at = time.monotonic() + pause

    def _with_client(self, app: GitHubApp | None) -> GitHubApp | None:
        if app is None or self._client is None:
            return app
        client_id, client_secret = self._client
        return replace(app, client_id=client_id, client_secret=client_secret)


class GitHubNotConfigured(GitHubUnavailable):
    """Nobody has made the GitHub App yet, and the settings name none."""

    code = "github_not_configured"

    def __init__(self, public_url: str) -> None:
        super().__init__("No GitHub App is connected.")
        self.advice = (
            f"An operator connects one at {public_url}/setup (`coppice login-link` lets you in);"
            " README.md says how to do without that page."
        )


class GitHubOfApp:
    """Called, it gives GitHub as the App of the moment. Thread-safe."""

    def __init__(
        self,
        registration: AppRegistration,
        build: Callable[[GitHubApp], GitHub],
        *,
        public_url: str,
    ) -> None:
        self._registration = registration
        self._build = build
        self._public_url = public_url
        self._lock = threading.Lock()
        self._built: tuple[GitHubApp, GitHub] | None = None

    def __call__(self) -> GitHub:
        """Raises GitHubNotConfigured while there is no App."""
        app = self._registration.current()
        if app is None:
            raise GitHubNotConfigured(self._public_url)
        with self._lock:
            if self._built is None or self._built[0] != app:
                self._built = (app, self._build(app))
            return self._built[1]

    def close(self) -> None:
        """Close idle connections to GitHub."""
        if self._built is not None:
            self._built[1].close()


def registration_of(config: Config, stored: StoredGitHubApp) -> AppRegistration:
    """The App of the settings, or else the one that was made on the set-up page."""
    app, login = config.github_app, config.github_login
    client = (login.client_id, login.client_secret.get_secret_value()) if login else None
    if app is None:
        return StoredApp(stored, client=client)
    client_id, client_secret = client or ("", "")
    return AppOfSettings(
        GitHubApp(
            app_id=app.app_id,
            private_key=app.private_key.get_secret_value(),
            webhook_secrets=tuple(each.get_secret_value() for each in app.webhook_secrets),
            client_id=client_id,
            client_secret=client_secret,
        )
    )
