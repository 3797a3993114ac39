"""A worker that is stopped (SIGSTOP) before its n-th change; run as a process of its own.

Reads the service's settings, then `OPERATION DATABASE N` a line. For each it forks a process that
carries the operation out and stops before its n-th statement that changes something, wherever. It
answers `stopped`, and after the next line `resumed`; or at once `finished` if there was no n-th.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.sql import Composable

from app import bootstrap
from app.config import Config
from app.core.errors import CoppiceError
from app.core.identifiers import DatabaseId
from app.operations.databases import freezing, provisioning, retention, rotation
from app.operations.services import Services
from app.postgres import sessions

OPERATIONS: dict[str, Callable[[Services, DatabaseId], object]] = {
    "drop": retention.drop_database,
    "seal": retention.seal_database,
    "restore": retention.restore_database,
    "retire": retention.retire_database,
    "ensure": provisioning.ensure_database,
    "rotate": rotation.rotate_password,
    "freeze": lambda services, database_id: freezing.enforce(
        services, services.store.databases.get(database_id).instance_id
    ),
}
CHANGES = ("ALTER ", "COMMENT ", "CREATE ", "DROP ", "GRANT ", "INSERT ", "UPDATE ", "pg_terminate")


def main() -> None:
    config = Config.from_environ(json.loads(sys.stdin.readline()))
    # Sessions of ours that are stopped inside a transaction are ended by the server: sooner here.
    sessions.OPTIONS = sessions.OPTIONS.replace("session_timeout=10s", "session_timeout=1s")
    for line in sys.stdin:
        name, database_id, call = line.split()
        pid = os.fork()
        if pid == 0:
            stop_before(int(call))
            run(config, OPERATIONS[name], DatabaseId(int(database_id)))
            os._exit(0)
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            print("stopped", flush=True)
            sys.stdin.readline()
            os.kill(pid, signal.SIGCONT)
            _, status = os.waitpid(pid, 0)
        print("finished" if status == 0 else f"failed {status}", flush=True)


def stop_before(call: int) -> None:
    """Have this process stop before its n-th change."""
    execute: Any = psycopg.Connection.execute
    left = call

    def counted(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal left
        text = query.as_string(connection) if isinstance(query, Composable) else str(query)
        if any(word in text for word in CHANGES):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGSTOP)
        return execute(connection, query, *arguments, **options)

    psycopg.Connection.execute = counted  # type: ignore[method-assign, assignment]


def run(
    config: Config, operation: Callable[[Services, DatabaseId], object], database_id: DatabaseId
) -> None:
    with (
        bootstrap.open_state(config) as state,
        bootstrap.open_services(config, state, bootstrap.clusters(config)) as services,
        suppress(CoppiceError),  # a job of the queue would try it again
    ):
        operation(services, database_id)


if __name__ == "__main__":
    main()
