"""`serve`: everything of one installation in one process tree."""

import contextlib
import errno
import fcntl
import http.client
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

import structlog

from app import bootstrap
from app.config import Config
from app.core.errors import CoppiceError, TransientError
from app.core.github_app import WAY_INTO_REACH, why_out_of_reach
from app.core.hosts import SILENT, TwinHost
from app.core.people import Operate
from app.machine.data_dir import DataDir
from app.machine.restarts import RestartBook
from app.operations import access
from app.operations.administration import login_links
from app.postgres.embedded.progress import Tell
from app.processes.supervisor import Program, Server, Supervisor
from app.setting_values import Bind
from app.store.health import SetUp, set_up_so_far

_log = structlog.get_logger(__name__)
_ADDRESS_WAIT_SECONDS = 5.0
_CLAIM_MARGIN_SECONDS = 5.0
_CLAIM_RETRY_SECONDS = 0.5
_PARTS = ("web", "worker")
_TAKEN = "Stop the program that listens there, or set COPPICE_BIND to another HOST:PORT."


class AlreadyServed(CoppiceError):
    """Another `serve` uses the data directory."""

    code = "already_served"
    advice = "Stop that one first, or give this one its own COPPICE_DATA_DIR and COPPICE_BIND."


class AddressTaken(CoppiceError):
    """Another program listens there, or this machine or account cannot."""

    code = "address_taken"
    advice = "Set COPPICE_BIND to an address of this machine and a port that this account may use."


class _NotWanted(Exception):
    """`serve` was told to stop before it was ready."""


def serve(config: Config, *, say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT; `say` tells a person when and where the service is ready.

    Raises:
        AlreadyServed, AddressTaken, WrongSecretKey: With what to do about it.
    """
    directory = DataDir(path=config.data_dir)
    directory.make()
    local, server = bootstrap.clusters(config, for_serve=True), bootstrap.state_server(config)
    with contextlib.suppress(_NotWanted), ExitStack() as stack:
        stack.enter_context(_only_one(directory))
        parts = [*_PARTS, *(["state database"] if server else [])]
        supervisor = Supervisor(on_restart=RestartBook(directory.restarts, parts=parts).note)
        stack.callback(directory.restarts.unlink, missing_ok=True)  # nothing of ours runs then
        listener = stack.enter_context(listen(config.bind))
        directory.keep_postgres_bin(config.postgres_bin)
        say(greeting(config))
        stack.enter_context(supervisor.signals())
        # Last of all, when nothing of ours uses them any more.
        stack.callback(local.close)
        if server is not None:
            stack.callback(server.stop_if_unused)
        stack.callback(supervisor.stop)
        # Before the state database: loading their modules takes as long as its start.
        _add_children(config, supervisor, listener)
        tell = _while_starting(supervisor, say)
        state = stack.enter_context(bootstrap.open_state(config, tell=tell))
        _prepare(config, state)
        _claim_host(config, state, supervisor)
        ours: list[tuple[str, Server]] = [("state database", server)] if server else []
        supervisor.watch(
            lambda: [*ours, *((f"instance {name}", one) for name, one in local.servers())]
        )
        supervisor.run(on_tick=_Announcement(config, state, say=say).tick)
    say("Stopped.")


def _while_starting(supervisor: Supervisor, say: Callable[[str], None]) -> Tell:
    """Says how far the state database's server is, and waits no longer once told to stop."""

    def tell(words: str | None) -> None:
        if supervisor.is_stopping:
            raise _NotWanted
        if words:
            say(words)

    return tell


def _add_children(config: Config, supervisor: Supervisor, listener: socket.socket) -> None:
    environment = bootstrap.child_environment(config)
    metrics = DataDir(path=config.data_dir).metrics
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(mode=0o700)
    fd = listener.fileno()
    web = web_command(f"fd://{fd}")
    supervisor.add_child(
        Program(name="web", command=web, environment=environment, inherited_fds=(fd,))
    )
    worker = [sys.executable, "-m", "app", "worker", "--below-serve"]
    supervisor.add_child(Program(name="worker", command=worker, environment=environment))


def _prepare(config: Config, state: bootstrap.State) -> None:
    try:
        bootstrap.prepare_for_service(state)
        bootstrap.keep_settings(config, state)
    except TransientError as error:
        _log.warning("the state database is down; trying on", problem=str(error))


def _way_in(config: Config, state: bootstrap.State) -> str | None:
    """A link for the operator, where nobody can log in through GitHub yet; None where they can."""
    try:
        with bootstrap.open_services(config, state, bootstrap.clusters(config)) as services:
            app = services.github_app.current()
            if app is not None and app.can_log_in:
                return None
            return login_links.make(access.service(services, Operate))
    except TransientError as error:
        _log.warning("no link for the operator yet", problem=str(error))
        return None


def become_web(config: Config, *, say: Callable[[str], None]) -> NoReturn:
    """Turn this process into the web server alone.

    Raises:
        AddressTaken, WrongSecretKey: With what to do about it.
    """
    folder = DataDir(path=config.data_dir)
    folder.make()
    folder.metrics.mkdir(mode=0o700, exist_ok=True)
    with listen(config.bind) as listener:
        folder.keep_postgres_bin(config.postgres_bin)
        # What is wrong here is said in a sentence; gunicorn's processes would only log it.
        with bootstrap.open_state(config) as state:
            _prepare(config, state)
            link = _way_in(config, state)
        say(
            "\n".join(
                [f"The web server listens on {config.bind}. Ctrl-C stops it.", *steps(config, link)]
            )
        )
        os.set_inheritable(listener.fileno(), True)  # noqa: FBT003 - it takes no names
        command = web_command(f"fd://{listener.fileno()}")
        os.execve(command[0], command, bootstrap.child_environment(config))  # noqa: S606 - ourselves


def web_command(address: str) -> list[str]:
    """How to run the web server on an address of gunicorn's kind."""
    settings = "python:app.processes.gunicorn_settings"
    return [sys.executable, "-m", "gunicorn", "-c", settings, "--bind", address]


@contextmanager
def _only_one(directory: DataDir) -> Iterator[None]:
    with directory.serve_lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise AlreadyServed(
                f"Another `serve` (process {pid}) uses {directory.path} already."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def listen(bind: Bind) -> Iterator[socket.socket]:
    """Listen there. The web server gets the open socket, so that its restart refuses nobody."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    deadline = time.monotonic() + _ADDRESS_WAIT_SECONDS
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        while True:
            try:
                listener.bind((bind.host, bind.port))
                listener.listen(2048)
                break
            except OSError as error:
                # A service that was killed may need a moment to let go of it.
                is_taken = error.errno == errno.EADDRINUSE
                if not is_taken or time.monotonic() > deadline:
                    raise AddressTaken(
                        f"Cannot listen on {bind}: {error.strerror}.",
                        advice=_TAKEN if is_taken else None,
                    ) from error
                time.sleep(0.1)
        yield listener


class _Announcement:
    """Says once that the service is ready."""

    def __init__(
        self, config: Config, state: bootstrap.State, *, say: Callable[[str], None]
    ) -> None:
        self._config = config
        self._state = state
        self._say = say
        self._is_made = False

    def tick(self) -> None:
        if not self._is_made and _is_ready(self._config.bind):
            self._is_made = True
            link = _way_in(self._config, self._state)
            self._say(welcome(self._config, self._set_up_so_far(), link=link))

    def _set_up_so_far(self) -> SetUp | None:
        try:
            return set_up_so_far(self._state.dsn)
        except TransientError:
            return None


def _is_ready(bind: Bind) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind.host, bind.host)  # noqa: S104 - compared
    connection = http.client.HTTPConnection(host, bind.port, timeout=2)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/readyz/web")
        return connection.getresponse().status == 200
    return False


def _claim_host(config: Config, state: bootstrap.State, supervisor: Supervisor) -> None:
    """See that nobody else has this machine's id among those of the state database.

    Before any server is started: those of a copied data directory are another machine's.
    After a move, or a restart of the machine, the sign of life of before is waited out. Raises
    TwinHost when there are new ones, _NotWanted when told to stop meanwhile.
    """
    until = time.monotonic() + SILENT.total_seconds() + _CLAIM_MARGIN_SECONDS
    is_told = False
    with bootstrap.open_services(config, state, bootstrap.clusters(config)) as services:
        while not supervisor.is_stopping:
            try:
                services.store.hosts.claim()
            except TransientError as error:
                _log.warning(
                    "whether this machine is the only one of its id is looked at later",
                    problem=str(error),
                )
            except TwinHost as error:
                if time.monotonic() > until:
                    raise
                if not is_told:
                    _log.warning("waiting", problem=str(error))
                is_told = True
                time.sleep(_CLAIM_RETRY_SECONDS)
                continue
            return
    raise _NotWanted


def greeting(config: Config) -> str:
    """Said before anything is started."""
    where = f"Its data is in {config.data_dir}"
    if config.database_url is not None:
        where = f"Its state is in COPPICE_DATABASE_URL's database, its files in {config.data_dir}"
    return f"Coppice is starting. {where}. Ctrl-C stops it."


def welcome(config: Config, present: SetUp | None, *, link: str | None) -> str:
    """Said once it is ready; `present` None: the state database did not say."""
    lines = [f"Coppice is ready at {config.public_url} (listening on {config.bind})."]
    lines += [f"Note: {warning}" for warning in config.warnings]
    lines += steps(config, link)
    if present is not None:
        is_connected = config.github_app is not None or present.has_github_app
        lines.append(_next(present, is_connected=is_connected))
    return "\n".join(lines)


def steps(config: Config, link: str | None) -> list[str]:
    """How the operator gets in by a link, if there has to be one, and what to do there."""
    if link is None:
        return []
    lines = [f"Log in as operator (once, within an hour): {link}"]
    if config.github_app is None:
        lines.append(f"Then connect GitHub at {config.public_url}/setup.")
        obstacle = why_out_of_reach(config.public_url, github_url=config.github_url)
        if obstacle is not None:
            lines.append(f"GitHub must reach the service for that. {obstacle} {WAY_INTO_REACH}")
    return lines


def _next(present: SetUp, *, is_connected: bool) -> str:
    if not present.instances:
        return (
            "Next, in another terminal: coppice instances provision local"
            "   (or `coppice instances link`, for a server that you have)"
        )
    if not present.apps:
        first = "" if is_connected else ", once GitHub is connected"
        return (
            f"Next, in another terminal{first}: coppice apps assign OWNER/REPO"
            f" {present.only_instance or 'INSTANCE'}"
        )
    return "`coppice doctor`, in another terminal, says whether all is well."
