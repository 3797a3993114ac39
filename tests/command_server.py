"""A process that has imported the command line, and forks for each command: see `commands`.

The child is what `python -m app` would be: with the arguments, variables, folder and descriptors
that it is given, and nothing of this process but what was imported.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from flask_openapi3.openapi import OpenAPI

from tests import routes

_MOST_BYTES = 200_000
# What commands import late, here or in libraries. Not `app.cli.running`: that is never a command
# of a moment, and decides by the environment, when it is imported, where metrics are counted.
_IMPORTED = (
    "app.bootstrap",
    "app.cli.local",
    "app.cli.program",
    "app.cli.remote",
    "app.github.accounts",
    "app.github.adapter",
    "app.logs",
    "app.machine.adoption",
    "app.machine.surroundings",
    "app.settings",
    "flask.testing",
    "netrc",
    "rich._emoji_codes",
    "typer._adapters",
    "typer.rich_utils",
)


def main() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    _put_together()
    assert threading.active_count() == 1, "a fork would lose threads"
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for commands and pytest
    _serve(socket.socket(fileno=int(sys.argv[1])))


def _serve(control: socket.socket) -> None:
    """Start a command for each message, until the tests have ended; report how each ends."""
    # An end of a command wakes the loop below, whose only work besides is to wait for messages.
    waking, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    reports: dict[int, int] = {}
    ours = (control, waking, woken)
    while True:
        ready, _, _ = select.select([control, waking], [], [])
        if waking in ready:
            waking.recv(_MOST_BYTES)
            _report_ends(reports)
        if control in ready:
            message, descriptors, _, _ = socket.recv_fds(control, _MOST_BYTES, 4)
            if not message:
                return
            *streams, report = descriptors
            child = os.fork()
            if child == 0:
                _leave(ours, [report, *reports.values()])
                _become(json.loads(message), streams)
            for descriptor in streams:
                os.close(descriptor)
            os.write(report, f"{child}\n".encode())
            reports[child] = report


def _report_ends(reports: dict[int, int]) -> None:
    """Write the exit codes of the commands that have ended."""
    for child in list(reports):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            report = reports.pop(child)
            with contextlib.suppress(BrokenPipeError):  # nobody waited so long
                os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os.close(report)


def _leave(sockets: Iterable[socket.socket], reports: Iterable[int]) -> None:
    """Let go, in a child, of what is the server's alone."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for each in sockets:
        each.close()
    for report in reports:
        os.close(report)


def _put_together() -> None:
    """What every command puts together and none changes: the options, and the API's routes."""
    from app.cli import program
    from app.web import api

    program.command()
    routes.compile_once()
    api.init_app(OpenAPI("the routes", doc_ui=False))


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
