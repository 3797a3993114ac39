"""The servers of instances, as operations see them."""

import threading

import structlog

from app import patience
from app.core.errors import CoppiceError
from app.core.hosts import OnAnotherHost
from app.core.identifiers import InstanceId
from app.core.instances import Instance, InstanceKind
from app.machine.clusters import Clusters
from app.operations.ports.postgres import DatabaseServer
from app.postgres.server import PostgresServer
from app.store.hosts import Hosts

_log = structlog.get_logger(__name__)


class Servers:
    """One adapter for each instance, made anew when the instance's row changes. Thread-safe."""

    def __init__(self, local: Clusters, hosts: Hosts) -> None:
        self._local = local
        self._hosts = hosts
        self._lock = threading.Lock()
        self._made: dict[InstanceId, tuple[Instance, PostgresServer]] = {}

    def __call__(self, instance: Instance) -> DatabaseServer:
        """Raises OnAnotherHost, or TwinHost, for a server that is not to be used from here."""
        if not self._hosts.is_here(instance):
            raise OnAnotherHost(instance, self._hosts.of(instance))
        if instance.kind is InstanceKind.PROVISIONED:
            self._hosts.claim()
            self._ensure_running(instance.name)
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

    def _ensure_running(self, name: str) -> None:
        """Start the server if it does not run; somebody who waits for an answer is told so."""
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
