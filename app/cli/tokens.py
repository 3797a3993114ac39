"""Commands about tokens of the API."""

from typing import Annotated

import typer

from app.cli.output import AsJson, remark, say, show_rows
from app.cli.rows import token_row
from app.cli.target import open_client
from app.operations.administration.tokens import LONGEST_DAYS

group = typer.Typer(no_args_is_help=True, help="Tokens: let programs use the API.")


@group.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, as in `ci`.")],
    *,
    app_id: Annotated[str | None, typer.Option("--app-id", help="The only app it is for.")] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="It changes nothing.")] = False,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=LONGEST_DAYS, help="For how long it works; default until revoked."),
    ] = None,
) -> None:
    """Make a token that acts for you, or does less; it is printed this once."""
    with open_client() as client:
        made = client.post("/tokens", name=name, app=app_id, read_only=read_only, days=days)
    remark("The token was made. It is shown this once:")
    say(str(made["secret"]))


@group.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """Show your tokens, an operator's view all; the tokens themselves are not stored."""
    with open_client() as client:
        rows = [token_row(one) for one in client.get("/tokens")["items"]]
    show_rows(rows, as_json=as_json, empty="No tokens. Make one: coppice tokens create NAME")


@group.command()
def revoke(
    token: Annotated[int, typer.Argument(help="Its number, as `coppice tokens list` says.")],
) -> None:
    """End a token at once."""
    with open_client() as client:
        client.delete(f"/tokens/{token}")
    say(f"Token {token} does not work any more.")
