"""LocalGitHub: the small GitHub as one object, with its server."""

import secrets
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask, request
from werkzeug.serving import WSGIRequestHandler, make_server

from demo.github import description, web
from demo.github.context import Context
from demo.github.control.actions import ActionsControl
from demo.github.control.checks import CheckControl
from demo.github.control.comments import CommentControl
from demo.github.control.installations import InstallationControl
from demo.github.control.people import PeopleControl
from demo.github.control.repositories import RepositoryControl
from demo.github.faults import Faults
from demo.github.hooks import Hook
from demo.github.model import Account, Delivery
from demo.github.objects.accounts import AppIdentity
from demo.github.oidc import Issuer
from demo.github.state import State


class LocalGitHub(
    ActionsControl,
    CheckControl,
    CommentControl,
    InstallationControl,
    PeopleControl,
    RepositoryControl,
):
    """A GitHub on loopback with one App. Use as a context manager, or `start` and `stop`.

    Set `webhook_url` to have events delivered.
    """

    def __init__(self, *, port: int = 0, folder: Path | None = None) -> None:
        """`port` 0 takes a free one; without `folder` the repositories are temporary."""
        self._own_folder = None if folder else tempfile.mkdtemp(prefix="local-github-")
        state = State(folder or Path(self._own_folder or ""))
        self._flask = Flask("placeholder")
        self._server = make_server(
            "127.0.0.1", port, self._dispatch, threaded=True, request_handler=_QuietHandler
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        webhook_secret = secrets.token_hex(16)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        owner = Account(id=state.new_id(), login="coppice-makers", type="Organization")
        identity = AppIdentity(id=1_234_567, slug="coppice", owner=owner, url=self.url)
        self.context = Context(
            state=state,
            identity=identity,
            app_key=key,
            hook=Hook(state, secret=webhook_secret),
            issuer=Issuer(f"{self.url}/oidc"),
            faults=Faults(),
            description=description.find(),
        )
        self._flask = web.create(self.context)
        self._flask.post("/_control/received/<int:repository_id>")(self._received)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="local-github",
            daemon=True,
        )

    @property
    def api_url(self) -> str:
        return self.url

    @property
    def app_id(self) -> int:
        return self.context.identity.id

    @property
    def private_key(self) -> str:
        """Of the App, in PEM."""
        return self.context.app_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()

    @property
    def webhook_secret(self) -> str:
        return self.hook.secret

    @property
    def oidc_issuer(self) -> str:
        return self.context.issuer.url

    @property
    def hook(self) -> Hook:
        return self.context.hook

    @property
    def faults(self) -> Faults:
        return self.context.faults

    @property
    def violations(self) -> list[str]:
        """Requests that GitHub's published description does not allow."""
        return self.context.state.violations

    @property
    def deliveries(self) -> list[Delivery]:
        with self.context.state.lock:
            return list(self.context.state.deliveries)

    @property
    def webhook_url(self) -> str | None:
        return self.hook.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.hook.url = url

    def start(self) -> None:
        self._thread.start()
        self.hook.start()

    def stop(self) -> None:
        """End the server and remove temporary repositories."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.hook.stop()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    def reset(self) -> None:
        """As after the start: no accounts, no plans; the App, its keys and addresses stay."""
        self.hook.reset()
        self.faults.clear()
        with self.context.state.lock:
            for repository in self.context.state.repositories.values():
                shutil.rmtree(repository.git.path, ignore_errors=True)
            self.context.state.clear()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _dispatch(self, environ: dict[str, Any], start_response: Any) -> Any:
        return self._flask(environ, start_response)

    def _received(self, repository_id: int) -> tuple[str, int]:
        """The post-receive hook of a repository reports a real `git push`."""
        repository = self.context.state.repositories[repository_id]
        self.received(repository, request.get_data(as_text=True))
        return "", 204


class _QuietHandler(WSGIRequestHandler):
    """Keeps connections open, as GitHub does, and prints nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Requests are the caller's to report."""
