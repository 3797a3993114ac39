"""Starting the server of a cluster of our own, on the port that it has or gets."""

import errno
import secrets
import shlex
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.postgres.embedded import postmaster
from app.postgres.embedded.cluster import SUPERUSER, Cluster
from app.postgres.embedded.faults import PortTaken, StartFailed
from app.postgres.vouched import write_vouched_extensions

LOOPBACK = "127.0.0.1"
_COVERS_LOOPBACK = (LOOPBACK, "localhost", "0.0.0.0", "*")  # noqa: S104 - compared, not bound
_PORT_WAIT_SECONDS = 3.0
_TRIES_SECONDS = 60.0
_PG_CTL_SECONDS = 3
"""Then it is looked at here whether the server gets anywhere."""
_IS_STARTING = "did not start in time"
_LOG_KEPT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a server is to be started."""

    listen: str
    settings: Mapping[str, str]
    while_waiting: Callable[[], None]
    """Called again and again while it comes up; gives up by an exception."""


def launch(cluster: Cluster, request: Launch) -> None:
    """Start the server and wait until it takes connections; note its port once it does.

    A port that was once noted is kept, because addresses that were handed out name it.

    Raises:
        PortTaken: Another program listens on the noted port.
        StartFailed: The server ended.
    """
    port_file = cluster.directory / "port"
    noted = read_port(port_file)
    if noted and not becomes_free(noted, timeout_seconds=_PORT_WAIT_SECONDS):
        raise PortTaken(noted, port_file=port_file)
    _keep_log_small(cluster.log_file)
    _write_access_rules(cluster, request)
    write_vouched_extensions(cluster)
    deadline = time.monotonic() + _TRIES_SECONDS
    while True:
        port = noted or free_port()
        last_words = _try(cluster, request, port=port)
        if last_words is None:
            break
        is_over = time.monotonic() > deadline
        _explain(cluster, last_words=last_words, noted_port=noted, is_over=is_over)
        time.sleep(0.2)
    port_file.write_text(f"{port}\n")


def _try(cluster: Cluster, request: Launch, *, port: int) -> str | None:
    """Start once; None if that worked, else what the server said."""
    postmaster.claim_stale_pid_file(cluster.data)
    command: list[str | Path] = [cluster.binaries.program("pg_ctl"), "start", "--silent"]
    # pg_ctl hands its -D to a shell, which would read more into some paths than there is.
    place = {"PGDATA": str(cluster.data)}
    command += [
        "--wait",
        f"--timeout={_PG_CTL_SECONDS}",
        f"--options={_options(request, cluster, port)}",
    ]
    with cluster.log_file.open("ab") as log:
        start = log.tell()
        code = cluster.account.run(command, log=log, environment=place)
    if code == 0:
        return None
    if _IS_STARTING in cluster.last_words(start):
        postmaster.await_pid(cluster.data, timeout_seconds=_TRIES_SECONDS)
    if postmaster.is_ready(cluster.data, while_waiting=request.while_waiting):
        return None
    return cluster.last_words(start)


def _explain(cluster: Cluster, *, last_words: str, noted_port: int | None, is_over: bool) -> None:
    """Raise unless another try makes sense. What it says is English: see `_options`."""
    is_port_lost = "Address already in use" in last_words
    if is_port_lost and noted_port:
        raise PortTaken(noted_port, port_file=cluster.directory / "port")
    # Sessions of a killed server end by themselves as soon as they notice.
    has_leftovers = "pre-existing shared memory block" in last_words
    if not (is_port_lost or has_leftovers) or is_over:
        raise StartFailed(
            "The embedded PostgreSQL did not start",
            log_file=cluster.log_file,
            last_words=last_words,
        )


def _options(request: Launch, cluster: Cluster, port: int) -> str:
    settings = {
        **request.settings,
        "port": str(port),
        "listen_addresses": _listen_addresses(request.listen),
        # It has no codes for what happens before there is a session: its words are read.
        "lc_messages": "C",
        # No socket: its path has to be short, and the folder's may be long.
        "unix_socket_directories": "",
        "hba_file": str(cluster.folder / "access.conf"),
    }
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return shlex.join(words)


def _listen_addresses(listen: str) -> str:
    return listen if listen in _COVERS_LOOPBACK else f"{LOOPBACK},{listen}"


def _write_access_rules(cluster: Cluster, request: Launch) -> None:
    """Passwords for everybody, loopback only for the superuser, TLS from outside where it is on.

    https://www.postgresql.org/docs/current/auth-pg-hba-conf.html
    """
    rules = [f"host all all {net} scram-sha-256" for net in ("127.0.0.1/32", "::1/128")]
    if request.listen not in (LOOPBACK, "localhost"):
        kind = "hostssl" if request.settings.get("ssl") == "on" else "host"
        rules += [f"host all {SUPERUSER} all reject", f"{kind} all all all scram-sha-256"]
    file = cluster.folder / "access.conf"
    file.write_text("\n".join(rules) + "\n")
    cluster.account.own(file)


def _keep_log_small(log_file: Path) -> None:
    if log_file.exists() and log_file.stat().st_size > _LOG_KEPT_BYTES:
        log_file.replace(log_file.with_suffix(".log.old"))


# Below the range that Linux gives to outgoing connections (32768 and up): a port that a client
# connection happens to use when the machine starts again would keep the server from starting.
_LOWEST, _HIGHEST = 20_000, 32_000
_TRIES = 100


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if is_free(port):
            return port
    raise OSError(errno.EADDRINUSE, "no free port found")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def becomes_free(port: int, *, timeout_seconds: float) -> bool:
    """Wait for a port that may be about to be released."""
    deadline = time.monotonic() + timeout_seconds
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def read_port(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):
        return None
