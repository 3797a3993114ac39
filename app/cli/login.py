"""Commands login and logout: which service the command line talks to, and as whom."""

import platform
import sys
import time
from getpass import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import logins
from app.cli.logins import Login
from app.cli.output import remark, say
from app.core.errors import CoppiceError, Unauthorized

if TYPE_CHECKING:
    from app.cli.client import Client

_PANEL = "Connecting"


def add_to(program: typer.Typer) -> None:
    program.command(rich_help_panel=_PANEL)(login)
    program.command(rich_help_panel=_PANEL)(logout)


def login(
    url: Annotated[str, typer.Argument(metavar="URL", help="As in https://coppice.example.com.")],
    *,
    token: Annotated[
        str | None, typer.Option(help="Only `-`: read a token instead of asking a browser.")
    ] = None,
) -> None:
    """Log in to a service, so that env, psql and the like act there with your permissions.

    Shows an address and a code to type there, in any browser.
    """
    if token not in (None, "-"):
        raise typer.BadParameter("a command line is seen by everybody; use --token - and type it")
    from app.cli.remote import RemoteClient  # late: the only one here that needs HTTP

    anonymous = RemoteClient(url)
    secret = _read_token() if token else _confirmed(anonymous)
    known = RemoteClient(url, secret).get("/whoami")
    who = str(known["login"] or known["actor"])
    file = logins.store(Login(url=anonymous.url, token=secret, who=who))
    say(f"Logged in to {anonymous.url} as {who}.")
    remark(f"The token is in {file}; `coppice logout` ends it.")


def logout() -> None:
    """Forget the service, and end the token that was for it."""
    login = logins.stored()
    if login is None:
        remark("You are logged in to no service.")
        return
    from app.cli.remote import RemoteClient

    try:
        RemoteClient(login.url, login.token).delete("/tokens/current")
    except Unauthorized:
        pass  # ended already
    except CoppiceError as error:
        remark(f"The token could not be ended there, revoke it in the dashboard: {error}")
    logins.forget()
    say(f"Logged out of {login.url}.")


def _read_token() -> str:
    return (getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()


def _confirmed(client: "Client") -> str:
    """Wait until a person has confirmed the code in the browser; returns the token."""
    begun = client.post("/login/device", name=f"coppice on {platform.node() or 'a machine'}"[:100])
    remark(f"Open {begun['verification_uri']} in a browser and type this code:")
    remark(f"\n    {begun['user_code']}\n")
    deadline = time.monotonic() + float(begun["expires_in"])
    while time.monotonic() < deadline:
        time.sleep(float(begun["interval"]))
        try:
            made: dict[str, Any] = client.post(
                "/login/device/token", device_code=begun["device_code"]
            )
        except CoppiceError as error:
            if error.code == "authorization_pending":
                continue
            raise
        return str(made["secret"])
    raise Unauthorized("Nobody confirmed the code in time.", advice="Begin again.")
