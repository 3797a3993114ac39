"""The environment of this process: the only reader of it."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence


def variables() -> Mapping[str, str]:
    """All of it."""
    return os.environ


def run_with(added: Mapping[str, str], command: Sequence[str]) -> int:
    """Run a program with these variables beside our own and return its exit code."""
    # Ctrl-C is for the program; a handler, unlike SIG_IGN, is not passed on to it.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        return subprocess.run(  # noqa: S603 - what the operator asked for
            command, env={**os.environ, **added}, check=False
        ).returncode
    finally:
        signal.signal(signal.SIGINT, before)
