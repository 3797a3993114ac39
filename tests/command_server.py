"""A process that has imported the command line, and forks for each command: see `commands`.

The child is what `python -m app` would be: with the arguments, variables, folder and descriptors
that it is given, and nothing of this process but what was imported.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from typing import Any, NoReturn

_MOST_BYTES = 200_000
# What commands import late, here or in libraries. Not `app.cli.running`: that is never a command
# of a moment, and decides by the environment, when it is imported, where metrics are counted.
_IMPORTED = (
    "app.cli.program",
    "app.cli.local",
    "app.cli.remote",
    "app.bootstrap",
    "app.github.adapter",
    "app.github.accounts",
    "app.logs",
    "app.machine.surroundings",
)


def main() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "a fork would lose threads"
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for commands and pytest
    control = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, 4)
        if not message:
            return  # the tests have ended
        if os.fork() == 0:
            control.close()
            _look_after(json.loads(message), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _look_after(command: Mapping[str, Any], descriptors: list[int]) -> NoReturn:
    """Start the command, and report its process id and its exit code."""
    *streams, report = descriptors
    child = os.fork()
    if child == 0:
        os.close(report)
        _become(command, streams)
    for descriptor in streams:
        os.close(descriptor)
    os.write(report, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(command: Mapping[str, Any], streams: list[int]) -> NoReturn:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environ"])
    # As Python opens them under a locale of UTF-8.
    sys.stdin = sys.__stdin__ = _opened(0, "r", "surrogateescape")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _opened(1, "w", "surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _opened(2, "w", "backslashreplace")  # type: ignore[misc]
    sys.stderr.reconfigure(line_buffering=True)
    sys.argv = ["-m", *command["arguments"]]
    code = _run()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _opened(number: int, mode: str, errors: str) -> Any:
    return open(number, mode, encoding="utf-8", errors=errors, closefd=False)


def _run() -> int:
    """Run `python -m app`; how Python itself ends a program, as an exit code."""
    try:
        runpy.run_module("app", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


if __name__ == "__main__":
    main()
