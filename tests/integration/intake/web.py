"""A real web server: gunicorn with its workers, as `web` starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import requests

_PATIENCE_SECONDS = 30.0


class Web:
    """Started in a process group of its own, on a free port."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(settings["COPPICE_DATA_DIR"]) / "web.log"
        self._environ = {
            "PATH": os.environ["PATH"],
            "COPPICE_BIND": f"127.0.0.1:{self.port}",
            "COPPICE_PUBLIC_URL": self.url,
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start it unless it runs, and wait until it is ready."""
        if self._process is None or self._process.poll() is not None:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "app", "web"],
                    env=self._environ,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        self.wait_until(lambda: self.status("/readyz/web") == 200)

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def status(self, path: str) -> int:
        """The status of a GET; 0 for no answer."""
        try:
            return requests.get(self.url + path, timeout=10).status_code
        except requests.RequestException:
            return 0

    def post(self, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        return requests.post(f"{self.url}/webhooks/github", body, headers=headers, timeout=30)

    def connect(self) -> socket.socket:
        """A connection, for requests that no library would send."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
