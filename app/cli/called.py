"""By what name this command line was called, for the commands that it tells people to type."""

import os
import re
import shlex
import shutil
import sys
from functools import cache

COMMANDS = (
    *(
        "--local",
        "--remote",
        "apps",
        "audit",
        "databases",
        "doctor",
        "env",
        "instances",
        "login",
        "login-link",
    ),
    *("logout", "migrate", "open", "psql", "reconcile", "runs", "serve", "tokens", "web"),
    *("whoami", "worker"),
)
"""What may follow the name, so that `coppice` alone stays what the whole is called."""

_COMMAND = re.compile(rf"\bcoppice(?= (?:{'|'.join(COMMANDS)})(?![\w-]))")


def as_called(text: str) -> str:
    """The text with its commands as the person at this terminal can type them.

    They are written as `coppice ...`. Who ran `python -m app` in a shell that does not find
    `coppice` is told of that again.
    """
    return _COMMAND.sub(lambda _: _name(), text)


@cache
def _name() -> str:
    is_module = os.path.basename(sys.argv[0]) == "__main__.py"
    if not is_module or shutil.which("coppice"):
        return "coppice"
    python = os.path.basename(sys.executable)
    is_found = shutil.which(python) == sys.executable
    return f"{python if is_found else shlex.quote(sys.executable)} -m app"
