"""PostgreSQL servers that are killed, paused and started again."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from app.core.instances import AdminLogin
from app.postgres.embedded import postmaster
from app.postgres.embedded.server import EmbeddedServer
from chaos.kept import descendants, send

_SETTINGS: Mapping[str, str] = {"fsync": "off", "shared_buffers": "32MB", "max_connections": "200"}
# A server that was killed has up to a minute of work to replay, on a machine that is busy.
_START_SECONDS = 120.0


class Server:
    """One server of ours; nothing that is tried here loses what it had confirmed.

    Without fsync it forgets what it confirmed when the machine fails, not when it is killed.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder / name
        self._server = EmbeddedServer(self.folder, settings=_SETTINGS)
        self._lock = threading.RLock()
        self._start_at = 0.0
        self._paused: list[int] = []
        self.superuser: AdminLogin = self._server.start()

    def tend(self) -> None:
        with self._lock:
            if not self._paused and time.monotonic() >= self._start_at and self._pid() is None:
                self._server.start(at_most_seconds=_START_SECONDS)

    def kill(self, *, away_seconds: float) -> None:
        """Kill the postmaster; its children end when they notice."""
        with self._lock:
            self._start_at = time.monotonic() + away_seconds
            if (pid := self._pid()) is not None:
                os.kill(pid, signal.SIGKILL)
                while self._pid() is not None:
                    time.sleep(0.01)

    def pause(self) -> None:
        """Stop all of its processes where they are."""
        with self._lock:
            if (pid := self._pid()) is not None:
                self._paused = list(descendants(pid))
                send(signal.SIGSTOP, self._paused)

    def resume(self) -> None:
        """Let them go on, whatever became of their postmaster."""
        with self._lock:
            send(signal.SIGCONT, self._paused)
            self._paused = []

    def connect(
        self, database: str = "postgres", *, schema: str = "pg_catalog"
    ) -> psycopg.Connection[Any]:
        """A session of the superuser, past any cable; each statement counts at once."""
        address = self.superuser.address
        return psycopg.connect(
            host=address.host,
            port=address.port,
            user=self.superuser.user,
            password=self.superuser.password,
            dbname=database,
            autocommit=True,
            connect_timeout=10,
            application_name="chaos",
            options=f"-c search_path={schema}",
        )

    def keep_log(self, folder: Path) -> None:
        """Copy what it said to where it survives the server."""
        with suppress(OSError):
            shutil.copy(self.folder / "server.log", folder / f"{self.name}.log")

    def destroy(self) -> None:
        """Stop it and remove its files."""
        self.resume()
        with self._lock:
            self._start_at = float("inf")
            self._server.destroy()

    def _pid(self) -> int | None:
        return postmaster.running_pid((self.folder.resolve() / "cluster").resolve() / "data")
