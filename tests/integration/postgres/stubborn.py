"""A tenant's program that will not go: it comes back at once, and alters its role each time.

Run as a process of its own. Reads one request from its input and says `there` once each of its
sessions was inside.
"""

import json
import select
import sys
import threading
from typing import Any

from psycopg import Error
from psycopg.pq import ConnStatus, PGconn, abc


def main() -> None:
    request = json.loads(sys.stdin.readline())
    inside = threading.Barrier(request["sessions"] + 1)
    for _ in range(request["sessions"]):
        threading.Thread(target=_come_back, args=[request, inside], daemon=True).start()
    inside.wait()
    print("there", flush=True)
    sys.stdin.read()  # until whoever started it has seen enough


def _come_back(request: dict[str, Any], inside: threading.Barrier) -> None:
    is_first = True
    while True:
        # The plain functions of libpq, because nothing is quicker.
        connection = PGconn.connect(request["dsn"].encode())
        if connection.status == ConnStatus.OK:
            if is_first:
                inside.wait()
            is_first = False
            _stay(connection, request)
        connection.finish()


def _stay(connection: abc.PGconn, request: dict[str, Any]) -> None:
    """Until the session is ended."""
    statement = request["statement"].encode()
    try:
        connection.exec_(statement)
        while connection.status == ConnStatus.OK and request["is_restless"]:
            connection.exec_(statement)
        if connection.status == ConnStatus.OK:
            select.select([connection.socket], [], [])
    except Error:
        pass  # it was ended


if __name__ == "__main__":
    main()
