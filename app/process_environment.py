"""The environment of this process: the only reader of it."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence


def variables() -> Mapping[str, str]:
    """All of it."""
    return os.environ


def run_with(
    added: Mapping[str, str],
    command: Sequence[str],
    *,
    without: Callable[[str], bool] = lambda _name: False,
) -> int:
    """Run a program with these variables beside our own and return its exit code.

    `without` says which of our own it does not get. Exit codes are a shell's: 128 and the
    signal's number for a program that a signal ended.
    """
    inherited = {name: value for name, value in os.environ.items() if not without(name)}
    # Ctrl-C is for the program; a handler, unlike SIG_IGN, is not passed on to it.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        code = subprocess.run(  # noqa: S603 - what the operator asked for
            command, env={**inherited, **added}, check=False
        ).returncode
        return code if code >= 0 else 128 - code
    finally:
        signal.signal(signal.SIGINT, before)
