"""The servers of instances, as operations see them."""

import threading

from app.core.identifiers import InstanceId
from app.core.instances import Instance, InstanceKind
from app.machine.clusters import Clusters
from app.operations.ports.postgres import DatabaseServer
from app.postgres.server import PostgresServer


class Servers:
    """One adapter for each instance, made anew when the instance's row changes. Thread-safe."""

    def __init__(self, local: Clusters) -> None:
        self._local = local
        self._lock = threading.Lock()
        self._made: dict[InstanceId, tuple[Instance, PostgresServer]] = {}

    def __call__(self, instance: Instance) -> DatabaseServer:
        with self._lock:
            if instance.kind is InstanceKind.PROVISIONED:
                self._local.ensure_running(instance.name)
            made = self._made.get(instance.id)
            if made is not None and made[0] == instance:
                return made[1]
            if made is not None:
                made[1].close()
            server = PostgresServer(instance.admin)
            self._made[instance.id] = (instance, server)
            return server
