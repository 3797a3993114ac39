"""One installation of the service, as an operator has it: a data directory and commands."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import conninfo

from tests import commands, postgres_cluster
from tests.commands import CHECKOUT as CHECKOUT

_PATIENCE_SECONDS = 60.0


@dataclass(kw_only=True)
class Installation:
    """Commands run with the same settings; `settings` come on top of bind and data directory."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=lambda: free_port())
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    way_to_run: Callable[..., subprocess.CompletedProcess[str]] = commands.run

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "COPPICE_BIND": f"127.0.0.1:{self.port}",
            "COPPICE_DATA_DIR": str(self.data),
            **self.settings,
        }

    def start(self, command: str = "serve", **settings: str) -> subprocess.Popen[bytes]:
        """Start a command that stays."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", command],
                cwd=CHECKOUT,
                env={**self.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def serve(self) -> subprocess.Popen[bytes]:
        """Start `serve` and wait until it is ready."""
        process = self.start()
        await_that(lambda: self.is_ready() or process.poll() is not None, what=self.log)
        assert process.poll() is None, self.log.read_text()
        return process

    def is_ready(self, *, path: str = "/readyz") -> bool:
        return status(f"{self.url}{path}") == 200

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return self.way_to_run(
            *arguments, environ=self.environ, stdin=stdin, timeout_seconds=_PATIENCE_SECONDS
        )

    def ok(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must succeed; returns what it prints."""
        finished = self.run(*arguments, stdin=stdin)
        assert finished.returncode == 0, f"{arguments}: {finished.stdout}{finished.stderr}"
        return finished.stdout

    def processes(self, word: str = "") -> dict[int, str]:
        """Living processes of this installation whose command line holds a word."""
        mark = f"COPPICE_DATA_DIR={self.data}\0".encode()
        places = [str(place).encode() for place in self.places()]
        found = {}
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            words, environ = _of_process(pid, "cmdline"), _of_process(pid, "environ")
            if mark in environ or any(place in words for place in places):
                found[int(pid)] = words.replace(b"\0", b" ").decode(errors="replace")
        return {pid: words for pid, words in found.items() if words and word in words}

    def places(self) -> list[Path]:
        """Where the files of its PostgreSQL servers really are; as root that may be elsewhere."""
        links = [*self.data.glob("state/cluster"), *self.data.glob("instances/*/cluster")]
        return [link.resolve() for link in links]

    def children(self, parent: int) -> list[int]:
        """Process ids of the children of a process."""
        answer = subprocess.run(
            ["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False
        )
        return [int(line) for line in answer.stdout.split()]

    def close(self) -> None:
        """End whatever is left, in the way of a machine that is switched off."""
        for process in self.started:
            process.kill()
            process.wait()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        postgres_cluster.remove_servers_below(self.folder)


def _of_process(pid: str, what: str) -> bytes:
    """One of the files about a process; empty once it is gone."""
    try:
        with open(f"/proc/{pid}/{what}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def url_of(dsn: str) -> str:
    """The URL of what libpq's words describe."""
    words = conninfo.conninfo_to_dict(dsn)
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**words)


def status(url: str) -> int:
    """The status that a GET is answered with; 0 for no answer."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            code: int = answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0
    return code


def await_that(holds: Callable[[], object], *, what: object = "", seconds: float = 60.0) -> None:
    """Wait until it holds; fails with `what`, the text of it if it is a file."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(what.read_text() if isinstance(what, Path) else what)
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
