"""Commands about tokens of the API."""

from typing import Annotated

import typer

from app.cli.output import AsJson, Row, remark, say, show_rows
from app.cli.session import open_session
from app.core.identifiers import AppId, TokenId
from app.core.tokens import Token
from app.operations.administration import tokens
from app.operations.administration.tokens import LONGEST_DAYS, TokenRequest

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
    """Make a token that acts as an operator, or does less; it is printed this once."""
    request = TokenRequest(
        name=name, app_id=AppId(app_id) if app_id else None, is_read_only=read_only, days=days
    )
    with open_session() as session:
        token, secret = tokens.make(session.services, request)
    remark(f"Token {token.id} was made. It is shown this once:")
    say(secret)


@group.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """Show all tokens; the tokens themselves are not stored."""
    with open_session() as session:
        rows = [_summary(token) for token in tokens.visible(session.services)]
    show_rows(rows, as_json=as_json, empty="No tokens. Make one: python -m app tokens create NAME")


@group.command()
def revoke(
    token: Annotated[int, typer.Argument(help="Its number, as `tokens list` says.")],
) -> None:
    """End a token at once."""
    with open_session() as session:
        ended = tokens.revoke(session.services, TokenId(token))
    say(f"Token {ended.id} ({ended.name}) does not work any more.")


def _summary(token: Token) -> Row:
    return {
        "token": token.id,
        "name": token.name,
        "kind": token.kind.value,
        "maker": token.maker,
        "app": token.app_id,
        "read_only": token.is_read_only,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
