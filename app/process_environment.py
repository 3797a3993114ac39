"""The environment of this process: the only reader of it."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.core import user_command


def variables() -> Mapping[str, str]:
    """All of it."""
    return os.environ


def run_with(
    added: Mapping[str, str], command: Sequence[str], *, kept: Mapping[str, str] | None = None
) -> int:
    """Run a program with these variables beside our own and return its exit code.

    `kept` are those of our own that it gets, by default all. Exit codes are a shell's: 128 and
    the signal's number for a program that a signal ended.
    """
    inherited = os.environ if kept is None else kept
    # Ctrl-C is for the program; a handler, unlike SIG_IGN, is not passed on to it.
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        code = subprocess.run(  # noqa: S603 - what the operator asked for
            command, env={**inherited, **added}, check=False
        ).returncode
        return code if code >= 0 else 128 - code
    finally:
        signal.signal(signal.SIGINT, before)


def run_script(bash: str, text: str, added: Mapping[str, str], *, kept: Mapping[str, str]) -> int:
    """Run a user's command as a step of a workflow runs it; see `run_with`."""
    with tempfile.TemporaryDirectory(prefix="coppice-") as folder:
        script = Path(folder, "command.sh")
        script.write_text(user_command.script(text), encoding="utf-8")
        return run_with(added, [bash, *user_command.BASH_OPTIONS, str(script)], kept=kept)
