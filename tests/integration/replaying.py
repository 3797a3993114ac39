"""A server that has much to replay after a kill, and is held up while it does."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from app.postgres.embedded import postmaster
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.sessions import admin_login, connect

ROWS = 800_000


def make_changes(server: EmbeddedServer) -> None:
    """50 MB of changes since the last checkpoint: `public.kept` has so many rows."""
    with connect(admin_login(server.start())) as session:
        session.execute("CREATE TABLE public.kept ()")
        session.execute("CHECKPOINT")
        session.execute("INSERT INTO public.kept SELECT FROM generate_series(1, %s)", [ROWS])


class Brake:
    """Holds what replays up, most of the time; use as a context manager.

    Until something has happened, if that is given: a busy machine would not be held up for long.
    """

    def __init__(
        self,
        server: EmbeddedServer,
        *,
        stops: bool = False,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        self._server = server
        self._hold_seconds = 60.0 if stops else 0.5
        self._until = until
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set() and not self._until():
            for pid in startup_processes(self._server):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                    self._ended.wait(self._hold_seconds)
                    os.kill(pid, signal.SIGCONT)
            time.sleep(0.005)


def startup_processes(server: EmbeddedServer) -> list[int]:
    data = (server.directory / "cluster").resolve() / "data"
    pid = postmaster.running_pid(data)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and b"startup recovering" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found
