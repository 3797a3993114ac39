"""What is measured: the service as people start it, its two PostgreSQL servers, a local GitHub."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from app.core.instances import AdminLogin
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.embedded.tenant_cluster import prepare_tenant_cluster
from app.store.connection import state_conninfo
from app.store.vault import new_key
from demo.github.model import Repository
from demo.github.server import LocalGitHub
from demo.service import Service

_WAIT_SECONDS = 60


class TimedGitHub(LocalGitHub):
    """Remembers when it was busy, so that its own time can be told apart."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[float, float]] = []

    def busy_seconds(self, start: float, end: float) -> float:
        """How long it worked on requests within a span of the wall clock."""
        spans = [(max(a, start), min(b, end)) for a, b in self.answers]
        return sum(b - a for a, b in spans if b > a)

    def _dispatch(self, environ: dict[str, Any], start_response: Any) -> Any:
        start = time.time()
        try:
            return super()._dispatch(environ, start_response)
        finally:
            self.answers.append((start, time.time()))


@dataclass(frozen=True, kw_only=True)
class Site:
    """One service with one repository, acme/shop, assigned to one PostgreSQL server."""

    github: TimedGitHub
    repository: Repository
    service: Service
    state: psycopg.Connection[Any]
    """A session on the state database."""
    tenants: psycopg.Connection[Any]
    """A session of the instance's admin role."""

    def ready_at(self, branch: str) -> float:
        """When the branch's database became ready, in seconds of the wall clock; waits for it."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            row = self.state.execute(
                "SELECT extract(epoch FROM ready_at) FROM databases"
                " WHERE branch = %s AND state = 'ready'",
                [branch],
            ).fetchone()
            if row is not None:
                return float(row[0])
            # Seldom enough to take nothing from what is measured.
            time.sleep(0.01)
        raise TimeoutError(f"{branch} has no database after {_WAIT_SECONDS} seconds")

    def quiet(self) -> None:
        """Return when no job waits or runs."""
        while self.state.execute(
            "SELECT FROM procrastinate_jobs WHERE status = 'doing'"
            " OR (status = 'todo' AND scheduled_at IS NULL) LIMIT 1"
        ).fetchone():
            time.sleep(0.01)

    def cpu_seconds(self) -> float:
        """CPU time that the service's own processes have used; PostgreSQL's is not in it."""
        ticks = sum(_ticks(pid) for pid in _descendants(self.service.pid))
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def open_site() -> Iterator[Site]:
    """Start everything in a temporary folder that is gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="coppice-bench-"))
    # As root, PostgreSQL runs as an account of its own, which must be able to pass through.
    folder.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        state_url = _url(_server(stack, folder / "state"))
        admin_url = _url(prepare_tenant_cluster(_server(stack, folder / "tenants")))
        github = stack.enter_context(TimedGitHub())
        service = Service(folder, settings=_settings(github, state_url))
        service.start()
        stack.callback(service.stop)
        github.webhook_url = f"{service.url}/webhooks/github"
        repository = github.create_repository("acme/shop")
        github.install(repository.owner)
        service.coppice("instances", "link", "main", "--url", admin_url)
        service.coppice("apps", "assign", "acme/shop", "main", "--migration-command", "true")
        site = Site(
            github=github,
            repository=repository,
            service=service,
            state=_session(stack, state_conninfo(state_url)),
            tenants=_session(stack, admin_url),
        )
        site.quiet()
        yield site


def _server(stack: ExitStack, folder: Path) -> AdminLogin:
    server = EmbeddedServer(folder)
    stack.callback(server.destroy)
    return server.start()


def _session(stack: ExitStack, conninfo: str) -> psycopg.Connection[Any]:
    return stack.enter_context(psycopg.connect(conninfo, autocommit=True))


def _url(login: AdminLogin) -> str:
    address = login.address
    return (
        f"postgresql://{login.user}:{quote(login.password, safe='')}"
        f"@{address.host}:{address.port}/postgres?sslmode=disable"
    )


def _settings(github: LocalGitHub, state_url: str) -> dict[str, str]:
    return {
        "COPPICE_DATABASE_URL": state_url,
        "COPPICE_SECRET_KEYS": new_key(),
        "COPPICE_GITHUB_URL": github.url,
        "COPPICE_GITHUB_API_URL": github.api_url,
        "COPPICE_OIDC_ISSUER": github.oidc_issuer,
        "COPPICE_GITHUB_APP_ID": str(github.app_id),
        "COPPICE_GITHUB_PRIVATE_KEY": github.private_key,
        "COPPICE_GITHUB_WEBHOOK_SECRETS": github.webhook_secret,
    }


def _descendants(root: int) -> Iterable[int]:
    stats = {pid: _stat(pid) for pid in _processes()}
    parents = {pid: int(fields[1]) for pid, fields in stats.items() if fields}
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from `state` on, see proc(5); none when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
