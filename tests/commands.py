"""Commands of the command line, each a process of its own, without the second it takes to import.

A server that has imported the command line forks for each command; there is one for each process
of pytest. Tests of starting, help and mistakes use `start` instead, and so does whatever stays.
"""

import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
# What is read at a command's own time. Others (TERM, PYTHON...) are read when Python starts, or
# when a library is imported.
_READ_LATE = ("COPPICE_", "PG", "XDG_")
_SAME = ("PATH", "LANG", "HOME")


def start(
    *arguments: str,
    environ: Mapping[str, str],
    folder: Path = CHECKOUT,
    stdin: str = "",
    timeout_seconds: float,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as people do: `python -m app`."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=folder,
        env=dict(environ),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_seconds,
    )


def run(
    *arguments: str,
    environ: Mapping[str, str],
    folder: Path = CHECKOUT,
    stdin: str = "",
    timeout_seconds: float,
) -> subprocess.CompletedProcess[str]:
    """The same, without Python's start: a fork that has these variables and no others."""
    strange = [name for name in environ if not name.startswith(_READ_LATE) and name not in _SAME]
    assert not strange, f"{strange} may mean something to Python's start: start it really"
    written = stdin.encode()
    assert len(written) <= 65_536, "more than a pipe holds"
    theirs_in, ours_in = os.pipe()
    os.write(ours_in, written)
    os.close(ours_in)
    (out, theirs_out), (error, theirs_error), (report, theirs_report) = (
        os.pipe() for _ in range(3)
    )
    given = [theirs_in, theirs_out, theirs_error, theirs_report]
    message = {"arguments": arguments, "environ": dict(environ), "folder": str(folder)}
    socket.send_fds(_server(), [json.dumps(message).encode()], given)
    for descriptor in given:
        os.close(descriptor)
    texts, is_ended = _read([out, error, report], seconds=timeout_seconds)
    process, *codes = [int(line) for line in texts[report].split()]
    if not is_ended:
        os.kill(process, signal.SIGKILL)
        raise subprocess.TimeoutExpired(list(arguments), timeout_seconds)
    return subprocess.CompletedProcess(
        list(arguments), codes[0], texts[out].decode(), texts[error].decode()
    )


def _read(descriptors: list[int], *, seconds: float) -> tuple[dict[int, bytes], bool]:
    """What is written to each, and whether all were closed in time."""
    texts = dict.fromkeys(descriptors, b"")
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                part = os.read(key.fd, 65_536)
                texts[key.fd] += part
                if not part:
                    selector.unregister(key.fd)
        is_ended = not selector.get_map()
    for descriptor in descriptors:
        os.close(descriptor)
    return texts, is_ended


@cache
def _server() -> socket.socket:
    """How to reach the server of this process; it ends when this end is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.command_server", str(theirs.fileno())],
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours
