"""A worker that is killed at a chosen statement; run as a process of its own.

Reads one request a line and answers `killed` or `finished`. Each request runs in a fork, which
kills itself with SIGKILL `after` the answer to the statement of that number, or `during` it: sent,
with nobody left to read the answer.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from app.core.databases import Template, TenantDatabase
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import Address, AdminLogin, SslMode
from app.postgres.server import PostgresServer

_execute = psycopg.Connection.execute


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _work(request)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print("killed" if os.WIFSIGNALED(status) else f"finished {status}", flush=True)


def _work(request: dict[str, Any]) -> None:
    server = PostgresServer(_admin(**request["admin"]))
    database = _database(**request["database"])
    _die_at(request["statement"], request["moment"])
    _operation(server, database, request)()
    server.close()


def _operation(
    server: PostgresServer, database: TenantDatabase, request: dict[str, Any]
) -> Callable[[], object]:
    password = request["password"]
    operations: dict[str, Callable[[], object]] = {
        "provision": partial(server.provision, database, password=password),
        "drop": partial(server.drop, database),
        "try_out": server.try_out,
        "freeze": partial(server.freeze, database),
        "seal": partial(server.seal, database),
        "unseal": partial(server.unseal, database, password=password),
        "take_back": partial(server.reclaim, database, password=password),
        "rename": partial(server.rename, database, new_name=DatabaseName(f"{database.name}--old")),
        "close_job_login": partial(
            server.close_job_login, database, RoleName(f"{database.login_role}-j1")
        ),
    }
    return operations[request["operation"]]


def _die_at(number: int, moment: str) -> None:
    sent = 0

    def execute(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal sent
        sent += 1
        is_the_one = sent == number
        if is_the_one and moment == "during":
            text = query.as_bytes(self) if isinstance(query, sql.Composable) else query.encode()
            self.pgconn.send_query(text if b"%s" not in text else b"SELECT 1")
            os.kill(os.getpid(), signal.SIGKILL)
        result = _execute(self, query, *args, **kwargs)
        if is_the_one:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    psycopg.Connection.execute = execute  # type: ignore[method-assign]


def _database(template: dict[str, Any] | None, **names: Any) -> TenantDatabase:
    return TenantDatabase(template=None if template is None else Template(**template), **names)


def _admin(host: str, port: int, user: str, password: str) -> AdminLogin:
    address = Address(host=host, port=port, sslmode=SslMode.DISABLE)
    return AdminLogin(address=address, user=user, password=password)


if __name__ == "__main__":
    main()
