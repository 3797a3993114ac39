"""The service that this person logged in to: where it is, and the token for it."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app import process_environment
from app.core.errors import CoppiceError


class UnreadableLogin(CoppiceError):
    """The file is not what we wrote."""

    code = "unreadable_login"
    advice = "Log in again: coppice login URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A service, and how to prove who asks."""

    url: str
    token: str = field(repr=False)
    who: str
    """For people: a GitHub login, or `operator`."""


def folder() -> Path:
    """Where this person keeps settings of ours.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    given = Path(process_environment.variables().get("XDG_CONFIG_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".config") / "coppice"


def stored() -> Login | None:
    """The login of this person, if there is one. Raises UnreadableLogin."""
    try:
        found = json.loads(_file().read_text())
        return Login(url=str(found["url"]), token=str(found["token"]), who=str(found["who"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableLogin(f"{_file()} cannot be read.") from error


def store(login: Login) -> Path:
    """Keep the login where only this person reads it; another one is replaced."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    # A new file (0600), so that nobody who had the old one open reads the new token.
    descriptor, name = tempfile.mkstemp(dir=folder(), prefix="login-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(login), file)
    Path(name).replace(_file())
    return _file()


def forget() -> None:
    _file().unlink(missing_ok=True)


def _file() -> Path:
    return folder() / "login.json"
