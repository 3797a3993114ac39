"""The servers of instances, as operations see them."""

import threading
from collections.abc import Mapping

import structlog

from app import patience
from app.core.databases import Database
from app.core.errors import CoppiceError
from app.core.hosts import OnAnotherHost
from app.core.identifiers import InstanceId
from app.core.instances import Instance, InstanceKind
from app.machine.clusters import Clusters
from app.operations.ports.postgres import DatabaseServer
from app.postgres.server import PostgresServer
from app.store.hosts import Hosts

_log = structlog.get_logger(__name__)


class Provider:
    """What a kind of instance decides: here for a server that somebody runs, with all databases.

    Another kind replaces what is different there, and has a line in `bootstrap`. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[InstanceId, tuple[Instance, PostgresServer]] = {}

    def located(self, instance: Instance, database: Database) -> Instance:
        """The instance with the addresses at which one of its databases stands, or will stand.

        Asked before every use of that database, so what it takes to know them is kept.
        """
        del database  # they stand side by side
        return instance

    def server(self, instance: Instance) -> DatabaseServer:
        """The server at the instance's addresses; made anew when they, or its logins, change."""
        with self._lock:
            made = self._made.get(instance.id)
            if made is not None and made[0] == instance:
                return made[1]
            if made is not None:
                made[1].close()
            server = PostgresServer(
                instance.admin, has_plain_passwords=instance.has_plain_passwords
            )
            self._made[instance.id] = (instance, server)
            return server


class Provisioned(Provider):
    """Servers of Coppice's own, on this machine."""

    def __init__(self, local: Clusters, hosts: Hosts) -> None:
        super().__init__()
        self._local = local
        self._hosts = hosts

    def server(self, instance: Instance) -> DatabaseServer:
        """Start the server if it does not run; somebody who waits for an answer is told so."""
        self._hosts.claim()
        self._ensure_running(instance.name)
        return super().server(instance)

    def _ensure_running(self, name: str) -> None:
        if not patience.is_limited() or self._local.is_running(name):
            self._local.ensure_running(name)
            return
        threading.Thread(target=self._start, args=[name], daemon=True).start()
        raise patience.StillBusy(f"The server of {name} is being started.")

    def _start(self, name: str) -> None:
        try:
            self._local.ensure_running(name)
        except CoppiceError as error:
            _log.warning("a server was not started", instance=name, problem=str(error))


class Servers:
    """The servers of all instances: where they stand, and what reaches them, says their kind."""

    def __init__(self, hosts: Hosts, providers: Mapping[InstanceKind, Provider]) -> None:
        self._hosts = hosts
        self._providers = providers

    def located(self, instance: Instance, database: Database) -> Instance:
        """The instance with the addresses at which one of its databases stands."""
        return self._providers[instance.kind].located(instance, database)

    def __call__(self, instance: Instance) -> DatabaseServer:
        """Raises OnAnotherHost, or TwinHost, for a server that is not to be used from here."""
        if not self._hosts.is_here(instance):
            raise OnAnotherHost(instance, self._hosts.of(instance))
        return self._providers[instance.kind].server(instance)
