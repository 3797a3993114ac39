"""The provisioned instances' servers: one embedded PostgreSQL for each, in the data directory."""

import errno
import hashlib
import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from app.core.addresses import check_instance_name
from app.core.amounts import listed
from app.core.errors import Conflict, CoppiceError, Invalid
from app.core.instances import Instance, InstanceKind, ServerHere
from app.machine.server_certificate import certify
from app.operations.administration.instance_requests import Provisioned
from app.postgres.embedded import guard
from app.postgres.embedded.binaries import find_binaries
from app.postgres.embedded.cluster import Cluster, open_cluster
from app.postgres.embedded.progress import Tell
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.embedded.tenant_cluster import prepare_tenant_cluster, server_here

_OPTIONS = "server.json"
_MOST_LISTED = 10
_MOST_SECONDS = 10.0
"""A job waits so long for a server that starts, and is tried again."""


class LocalServer:
    """One server, as the supervisor sees it; it is not made again once it has been deleted."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server

    def is_running(self) -> bool:
        return self._server.is_running()

    def revive(self) -> None:
        if (self._server.directory / _OPTIONS).exists():
            self._server.revive()

    def starting(self) -> str | None:
        return self._server.starting()


class Clusters:
    """Starts, finds and removes them. Each folder remembers how its server is to be started."""

    def __init__(
        self,
        folder: Path,
        *,
        bin_dir: Path | None,
        is_served: Callable[[], bool],
        tell: Tell | None = None,
    ) -> None:
        """`tell` hears how far a start is, for a person who waits; without, nobody waits long."""
        self._folder = folder
        self._bin_dir = bin_dir
        self._is_served = is_served
        self._tell = tell
        self._held: dict[str, ExitStack] = {}
        self._holding = threading.Lock()

    def names(self) -> Sequence[str]:
        """Names of the instances whose servers are on this machine."""
        return sorted(file.parent.name for file in self._folder.glob(f"*/{_OPTIONS}"))

    def servers(self) -> Sequence[tuple[str, LocalServer]]:
        """Those servers, for watching; from now on this process holds each."""
        found = [(name, self._server(name)) for name in self.names()]
        for name, server in found:
            self._hold(name, server)
        for name in set(self._held) - {name for name, _ in found}:
            self._held.pop(name).close()
        return [(name, LocalServer(server)) for name, server in found]

    def free_bytes(self, instance: Instance) -> int | None:
        """Free room on this machine's disk, if the instance's server is here."""
        folder = self._folder / instance.name
        if instance.kind is not InstanceKind.PROVISIONED or not (folder / _OPTIONS).exists():
            return None
        return shutil.disk_usage(folder).free

    def is_of(self, instance: Instance) -> bool:
        """Whether an instance's server stands on this machine, by its name and port."""
        try:
            port = int((self._folder / instance.name / "port").read_text())
        except (OSError, ValueError):
            return False
        return instance.name in self.names() and port == instance.admin.address.port

    def is_served(self) -> bool:
        return self._is_served()

    def has_tls(self) -> bool:
        # There is no option to ask for it, and pg_config is often not installed.
        return b"SSL_CTX_new" in find_binaries(self._bin_dir).program("postgres").read_bytes()

    def provision(
        self, name: str, *, listen: str, port: int | None, tls_host: str | None
    ) -> Provisioned:
        folder = self._folder / name
        self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        with self._alone():
            kept = self.leftover(name)
            if kept and kept.databases:
                raise Conflict(
                    f"An earlier instance named {name} left its server in {folder}, and"
                    f" databases on it: {listed(kept.databases, most=_MOST_LISTED)}.",
                    advice="Choose another name; or remove what is left, with all its data, on"
                    f" this machine: coppice instances delete {name} --leftover",
                )
            is_new = not (folder / _OPTIONS).exists()
            if is_new:  # else its own server may be what listens there
                check_can_listen(listen, port)
            try:
                return self._provision(folder, listen=listen, port=port, tls_host=tls_host)
            except CoppiceError:
                if is_new:  # or `serve` would try to start it for ever
                    self._destroy(name)
                raise

    def _provision(
        self, folder: Path, *, listen: str, port: int | None, tls_host: str | None
    ) -> Provisioned:
        name = folder.name
        folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        if port is not None:
            (folder / "port").write_text(f"{port}\n")
        ca_certificate = None
        if tls_host is not None:
            cluster = open_cluster(folder.resolve(), find_binaries(self._bin_dir))
            ca_certificate = _write_certificate(cluster, tls_host)
        options = {"listen": listen, "tls": tls_host is not None}
        (folder / _OPTIONS).write_text(json.dumps(options))
        server = self._server(name)
        self._hold(name, server)
        server.stop()  # one that a broken attempt left may run with other options
        admin = prepare_tenant_cluster(server.start())
        return Provisioned(admin=admin, ca_certificate=ca_certificate)

    def is_running(self, name: str) -> bool:
        """Whether there is nothing to start: it runs, or is not one of this machine."""
        is_here = (self._folder / name / _OPTIONS).exists()
        return not is_here or self._server(name).is_running()

    def ensure_running(self, name: str) -> None:
        """Start the server if it is one of this machine and does not run."""
        if (self._folder / name / _OPTIONS).exists():
            server = self._server(name)
            self._hold(name, server)
            if not server.is_running() or self._tell:
                server.start(at_most_seconds=None if self._tell else _MOST_SECONDS)

    def leftover(self, name: str) -> ServerHere | None:
        """See the port."""
        check_instance_name(name)  # it becomes a path
        folder = self._folder / name
        if not (folder / "cluster" / "data" / "PG_VERSION").exists():
            return None
        has_options = (folder / _OPTIONS).exists()
        bare = EmbeddedServer(folder, bin_dir=self._bin_dir)
        server = self._server(name) if has_options else bare
        is_kept = has_options and (server.is_running() or self._is_served())
        try:
            return server_here(name, server.start())
        finally:
            if not is_kept:  # as it was found
                server.stop_if_unused()

    def identity(self, name: str) -> str:
        """See the port: of its superuser's password, which each new server has anew."""
        try:
            password = (self._folder / name / "password").read_bytes()
        except FileNotFoundError:
            return ""
        return hashlib.sha256(password).hexdigest()

    def destroy(self, name: str, *, identity: str) -> None:
        """See the port."""
        if not self._folder.exists():
            return
        with self._alone():
            if self.identity(name) in ("", identity):
                self._destroy(name)

    def _alone(self) -> AbstractContextManager[None]:
        """Make and remove servers one at a time. The lock is this machine's, as they are.

        So, unlike one in the state database, nobody takes it from a process that is paused.
        """
        return guard.locked(self._folder / ".lock")

    def _destroy(self, name: str) -> None:
        check_instance_name(name)  # it becomes a path, of which everything is removed
        folder = self._folder / name
        # First, so that nobody starts it again.
        (folder / _OPTIONS).unlink(missing_ok=True)
        if held := self._held.pop(name, None):
            held.close()
        EmbeddedServer(folder).destroy()

    def close(self) -> None:
        """Stop what nobody uses any more, unless a `serve` is there to look after it."""
        for name, held in self._held.items():
            held.close()
            if not self._is_served() and (self._folder / name / _OPTIONS).exists():
                self._server(name).stop_if_unused()
        self._held.clear()

    def _hold(self, name: str, server: EmbeddedServer) -> None:
        with self._holding:
            if name not in self._held:
                stack = ExitStack()
                stack.enter_context(server.hold())
                self._held[name] = stack

    def _server(self, name: str) -> EmbeddedServer:
        folder = self._folder / name
        options = json.loads((folder / _OPTIONS).read_text())
        return EmbeddedServer(
            folder,
            listen=options["listen"],
            bin_dir=self._bin_dir,
            tell=self._tell,
            settings=_tls_settings(folder) if options["tls"] else {},
        )


def _write_certificate(cluster: Cluster, host: str) -> str:
    made = certify(host)
    for name, text in (("server.crt", made.certificate), ("server.key", made.key)):
        file = cluster.folder / name
        file.unlink(missing_ok=True)
        # PostgreSQL refuses a key that others may read.
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(text)
        cluster.account.own(file)
    return made.ca


def _tls_settings(folder: Path) -> dict[str, str]:
    place = (folder / "cluster").resolve()
    return {
        "ssl": "on",
        "ssl_cert_file": str(place / "server.crt"),
        "ssl_key_file": str(place / "server.key"),
    }


LOOPBACK = "127.0.0.1"


def check_can_listen(host: str, port: int | None) -> None:
    """Try to listen on the host, and on loopback beside it, for a moment.

    Raises:
        Invalid: The host is no address of this machine, or the port is not for this account.
        Conflict: Another program listens on the port.
    """
    for each in dict.fromkeys((LOOPBACK, host)):
        try:
            [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
                each, port or 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen()
        except OSError as error:
            where = f"{each}, port {port}" if port else each
            if error.errno == errno.EADDRINUSE:
                raise Conflict(
                    f"Another program listens on {where}.",
                    advice="Stop that program, or choose another port (--port).",
                ) from error
            raise Invalid(
                f"No server can listen on {where}: {error.strerror}.",
                advice="Listen on an address of the service's machine, as `ip address` lists them"
                " there (0.0.0.0: all), and on a port that its account may use.",
            ) from error
