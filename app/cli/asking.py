"""Commands that ask a service about itself: whoami, audit, open."""

import sys
from itertools import islice
from typing import Annotated

import typer

from app.cli import which
from app.cli.databases import AppOption
from app.cli.output import THINGS, AsJson, say, show_record, show_rows
from app.cli.rows import audit_row
from app.cli.target import open_client
from app.cli.which import find_app


def add_to(program: typer.Typer) -> None:
    program.command(rich_help_panel="Connecting")(whoami)
    program.command("open", rich_help_panel=THINGS)(open_)
    program.command(rich_help_panel=THINGS)(audit)


def whoami(*, as_json: AsJson = False) -> None:
    """Show which service commands are about here, and whom it takes you for."""
    with open_client() as client:
        known = client.get("/whoami")
        show_record({"service": client.url, **known}, as_json=as_json)


def open_(
    repo: Annotated[
        str | None,
        typer.Argument(metavar="OWNER/REPO", help="Default: the repository of the checkout."),
    ] = None,
    *,
    app_id: AppOption = None,
) -> None:
    """Open an app's page on the dashboard; not on a terminal its address is only printed."""
    with open_client() as client:
        app = find_app(client, which.repository(repo), app_id=app_id)
        page = f"{client.url}/apps/{app['id']}"
    say(page)
    if sys.stdout.isatty():
        typer.launch(page)


def audit(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="Only entries that hold this somewhere.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show who did what, the newest first; for operators."""
    with open_client() as client:
        rows = [audit_row(one) for one in islice(client.items("/audit", q=text), limit)]
    show_rows(rows, as_json=as_json, empty="Nothing was found.", only_json=("id",))
