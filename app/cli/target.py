"""Which service a command means: the one on this machine, or the one that was logged in to."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from app import process_environment
from app.cli import logins
from app.cli.logins import Login
from app.cli.output import remark
from app.cli.packages import no_server
from app.core.errors import Invalid
from app.loading import loading

if TYPE_CHECKING:
    from app.cli.client import Client
    from app.cli.session import Session

RULE = (
    "Commands use the service that you logged in to (`coppice login`). They use the service of this"
    " machine when you are not logged in, when COPPICE_DATABASE_URL or COPPICE_DATA_DIR is set, or"
    " when there is a folder .coppice here; --local and --remote say which. Those that run the"
    " service, doctor and reconcile are about the service of this machine, and are refused where"
    " another one is meant. Where nothing says which, nothing is done."
)


REMOTE: ContextVar[bool | None] = ContextVar("REMOTE", default=None)
"""What --remote or --local said; None: neither was given."""


@contextmanager
def open_client() -> "Iterator[Client]":
    """The service that this command is about; says on stderr which, when there was a choice."""
    # Each is imported where it is used: neither needs what the other does.
    login = _chosen()
    if login is None:
        _refuse_nowhere()
        from app.cli.session import open_session

        with open_session() as session:
            with loading():
                from app.cli.local import LocalClient
            yield LocalClient(session)
        return
    from app.cli.remote import RemoteClient

    remark(f"Using {login.url} as {login.who}.")
    client = RemoteClient(login.url, login.token)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def open_here() -> "Iterator[Session]":
    """The service of this machine, for commands that have no other side.

    Raises Invalid where the one that was logged in to is meant, or none: nothing is done, or made,
    here; NoServer where the service's packages were not installed.
    """
    refuse_elsewhere()
    login = None if REMOTE.get() is False else logins.stored()
    if login is not None and _sign_of_local_service() is None:
        raise _only_here(login.url)
    if _is_nowhere() and (missing := no_server()):
        raise missing
    _refuse_nowhere()
    from app.cli.session import open_session

    with open_session() as session:
        yield session


@contextmanager
def open_made() -> "Iterator[Session]":
    """As `open_here`, for a command that only looks: without a service it makes none.

    Raises Invalid as `open_here`, and where the state database would have to be made first.
    """
    given = process_environment.variables()
    data_dir = Path(given.get("COPPICE_DATA_DIR") or ".coppice").absolute()
    is_said = REMOTE.get() is False or _sign_of_local_service() is not None
    if is_said and not REMOTE.get() and not given.get("COPPICE_DATABASE_URL"):
        _refuse_new(data_dir)
    with open_here() as session:
        yield session


def _refuse_new(data_dir: Path) -> None:
    if not (data_dir / "state").exists() and no_server() is None:
        raise Invalid(
            f"There is no service here yet: {data_dir} has no state database.",
            advice="Start one: coppice serve. Or set COPPICE_DATA_DIR to the folder of the one that"
            " is meant.",
        )


def refuse_elsewhere() -> None:
    """Raise Invalid when --remote stands before a command that has no other side."""
    if REMOTE.get():
        login = logins.stored()
        raise _only_here(login.url if login else "another one")


def _refuse_nowhere() -> None:
    """Raise Invalid where nothing says that a service is here: it would be a new, empty one."""
    if _is_nowhere():
        missing = no_server()
        raise Invalid(
            f"There is no service here, for {Path.cwd()} has no .coppice, and you are logged in to"
            " none.",
            advice=missing.advice
            if missing
            else "Go to the folder in which `coppice serve` runs, or set its settings; or log in"
            " to a service: coppice login URL. `coppice --local` before a command makes one here.",
        )


def _is_nowhere() -> bool:
    return REMOTE.get() is None and _sign_of_local_service() is None


def _only_here(other: str) -> Invalid:
    return Invalid(
        f"This command is about the service of the machine that it runs on, and {other} is meant.",
        advice="Run it on that service's machine, or use its dashboard; `coppice --local` before"
        " the command means this machine.",
    )


def _chosen() -> Login | None:
    wanted = REMOTE.get()
    if wanted is False:
        return None
    login = logins.stored()
    if wanted is True and login is None:
        raise Invalid("You are logged in to no service.", advice="Log in: coppice login URL")
    if wanted is True or login is None:
        return login
    sign = _sign_of_local_service()
    if sign is None:
        return login
    remark(f"Using the service of this machine, for there is {sign}; --remote uses {login.url}.")
    return None


def _sign_of_local_service() -> str | None:
    """What says that the service of this machine is meant; None: nothing does."""
    given = process_environment.variables()
    for name in ("COPPICE_DATABASE_URL", "COPPICE_DATA_DIR"):
        if given.get(name):
            return name
    return ".coppice" if Path(".coppice").is_dir() else None
