"""What is broken: one real installation, its servers, and a GitHub, all on loopback."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import requests
from psycopg import sql

from app.core.instances import AdminLogin
from app.postgres.embedded.tenant_cluster import prepare_tenant_cluster
from app.store.vault import new_key
from chaos.kept import Kept, Program, keep
from chaos.ledger import Ledger
from chaos.servers import Server
from demo import interruption
from demo.github.model import Repository
from demo.github.server import LocalGitHub
from demo.runner import CHECKOUT
from demo.service import free_port
from tests.integration.lifecycle.proxy import Proxy

OWNER, PERSON = "acme", "mona"
APPS = {"shop": "east", "blog": "west"}
"""App ids, and the instance of each; a repository is called like its app."""
_PATIENCE_SECONDS = 120.0
_COMMAND_SECONDS = 120.0


@dataclass(kw_only=True)
class Site:
    """Everything that runs, and what the actors have done to it."""

    folder: Path
    github: LocalGitHub
    state: Server
    instances: dict[str, Server]
    cables: dict[str, Proxy]
    web: Program
    workers: list[Program]
    environ: dict[str, str] = field(repr=False)
    url: str
    repositories: dict[str, Repository] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    over: threading.Event = field(default_factory=threading.Event)
    """Set when nobody is to be looked after any more."""
    gate: threading.RLock = field(default_factory=threading.RLock)
    """Whoever changes a branch at GitHub after looking at it holds this."""
    until: float = float("inf")
    """Of the monotonic clock: nobody begins anything after it, nor waits much longer."""
    strangers: list[psycopg.Connection[Any]] = field(default_factory=list)
    """Sessions of runs that died: the service has to end them."""

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def programs(self) -> list[Program]:
        return [self.web, *self.workers]

    @property
    def servers(self) -> list[Server]:
        return [self.state, *self.instances.values()]

    def coppice(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line to its end."""
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=CHECKOUT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        """The API, as an operator. Raises requests.RequestException."""
        answer = requests.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Bearer {self.environ['COPPICE_ADMIN_TOKEN']}"},
            timeout=20,
        )
        self.judge(method, path, answer)
        return answer

    def judge(self, method: str, path: str, answer: requests.Response) -> None:
        """An error that the service did not foresee is a fault, whatever was broken."""
        if answer.status_code in (500, 501, 502):
            self.ledger.complain(
                f"{method} {path} was answered {answer.status_code}: {answer.text[:200]}"
            )

    def state_session(self) -> psycopg.Connection[Any]:
        """A session of the superuser in the state database."""
        return self.state.connect("coppice", schema="coppice")


@contextmanager
def open_site(logs_of_failure: Path) -> Iterator[Site]:
    """Start everything in a temporary folder that is gone at the end.

    `logs_of_failure` is where whoever uses the site may move its logs to.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{logs_of_failure.name}-"))
    # As root, PostgreSQL runs as an account of its own, which must be able to pass through.
    folder.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / "logs").mkdir()
        site = _build(stack, folder)
        kept: list[Kept] = [*site.servers, *site.programs]
        threads = [keep(one, until=site.over, complain=site.ledger.complain) for one in kept]
        stack.callback(_join, threads)
        stack.callback(site.over.set)
        _await_readiness(site)
        _furnish(site)
        yield site


def _build(stack: ExitStack, folder: Path) -> Site:
    servers = {name: _server(stack, name, folder) for name in ("state", *APPS.values())}
    state, instances = servers.pop("state"), servers
    github = stack.enter_context(LocalGitHub())
    cables = {
        name: stack.enter_context(Proxy(one.superuser.address.host, one.superuser.address.port))
        for name, one in instances.items()
    }
    address = f"127.0.0.1:{free_port()}"
    environ = _environ(folder, github, address, _state_url(state))
    web, *workers = [
        _program(stack, name, command, environ=environ, log=folder / "logs" / f"{name}.log")
        for name, command in (("web", "web"), ("worker-1", "worker"), ("worker-2", "worker"))
    ]
    site = Site(
        folder=folder,
        github=github,
        state=state,
        instances=instances,
        cables=cables,
        web=web,
        workers=workers,
        environ=environ,
        url=f"http://{address}",
    )
    github.webhook_url = f"{site.url}/webhooks/github"
    for name in ("COPPICE_ADMIN_TOKEN", "COPPICE_SECRET_KEYS", "COPPICE_GITHUB_WEBHOOK_SECRETS"):
        site.ledger.secret(environ[name], name)
    site.ledger.secret(environ["COPPICE_GITHUB_PRIVATE_KEY"].split("\n")[1], "the App's key")
    return site


def _server(stack: ExitStack, name: str, folder: Path) -> Server:
    server = Server(name, folder)
    stack.callback(server.destroy)
    return server


def _program(
    stack: ExitStack, name: str, command: str, *, environ: dict[str, str], log: Path
) -> Program:
    program = Program(name, [sys.executable, "-m", "app", command], environ=environ, log=log)
    stack.callback(program.destroy)
    return program


def _state_url(state: Server) -> str:
    """A database of its own, owned by a role that is no superuser."""
    password = secrets.token_hex(20)
    with state.connect() as session:
        session.execute(
            sql.SQL("CREATE ROLE coppice LOGIN PASSWORD {}").format(sql.Literal(password))
        )
        session.execute("CREATE DATABASE coppice OWNER coppice")
    address = state.superuser.address
    return f"postgresql://coppice:{password}@{address.host}:{address.port}/coppice"


def _environ(folder: Path, github: LocalGitHub, address: str, state_url: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(CHECKOUT),
        "COPPICE_BIND": address,
        "COPPICE_DATA_DIR": str(folder / "data"),
        "COPPICE_DATABASE_URL": state_url,
        "COPPICE_SECRET_KEYS": new_key(),
        "COPPICE_ADMIN_TOKEN": secrets.token_hex(20),
        "COPPICE_GITHUB_URL": github.url,
        "COPPICE_GITHUB_API_URL": github.api_url,
        "COPPICE_OIDC_ISSUER": github.oidc_issuer,
        "COPPICE_GITHUB_APP_ID": str(github.app_id),
        "COPPICE_GITHUB_PRIVATE_KEY": github.private_key,
        "COPPICE_GITHUB_WEBHOOK_SECRETS": github.webhook_secret,
        "COPPICE_GITHUB_CLIENT_ID": github.client_id,
        "COPPICE_GITHUB_CLIENT_SECRET": github.client_secret,
    }


def _await_readiness(site: Site) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_ready(site):
        if time.monotonic() > deadline:
            raise TimeoutError(f"never became ready:\n{site.web.log.read_text()}")
        interruption.pause(0.1)


def is_ready(site: Site) -> bool:
    """Whether the service says that it is."""
    try:
        return requests.get(f"{site.url}/readyz", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def _furnish(site: Site) -> None:
    """Two repositories, each assigned to an instance of its own."""
    site.github.install(OWNER)
    for app, instance in APPS.items():
        repository = site.github.create_repository(f"{OWNER}/{app}")
        site.github.grant(repository, PERSON, "admin")
        site.repositories[app] = repository
        admin = prepare_tenant_cluster(site.instances[instance].superuser)
        site.ledger.secret(admin.password, f"the admin's password of {instance}")
        url = _through(site.cables[instance], admin)
        _must(site.coppice("instances", "link", instance, "--url", url))
        _must(site.coppice("apps", "assign", repository.full_name, instance, "--app-id", app))


def _through(cable: Proxy, admin: AdminLogin) -> str:
    password = quote(admin.password, safe="")
    return f"postgresql://{admin.user}:{password}@127.0.0.1:{cable.port}/postgres?sslmode=disable"


def _must(finished: subprocess.CompletedProcess[str]) -> None:
    interruption.check()
    if finished.returncode != 0:
        raise RuntimeError(f"{finished.args[3:5]}: {finished.stdout}{finished.stderr}")


def _join(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(_PATIENCE_SECONDS)
