"""The API for tokens of the API."""

from datetime import datetime
from typing import Any

from flask import request
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from app.core.errors import NotFound
from app.core.identifiers import AppId, TokenId
from app.core.people import See
from app.core.tokens import PREFIX
from app.operations import access
from app.operations.administration import tokens
from app.operations.administration.tokens import LONGEST_DAYS, LONGEST_NAME, TokenRequest
from app.web.api.shapes import ERRORS, PERSON, Answered, Id, Part, Request, Shown, Text
from app.web.identity import acting

api = Part(
    "tokens",
    __name__,
    url_prefix="/api/v1/tokens",
    abp_tags=[Tag(name="people", description="Who is asking, and their tokens")],
    abp_security=PERSON,
    abp_responses=ERRORS,
)


class OfToken(BaseModel):
    """A token by its number."""

    token: Id


class NewToken(Request):
    """What a token is to be. It never may more than its maker."""

    name: Text = Field(min_length=1, max_length=LONGEST_NAME, examples=["ci"])
    app: str | None = Field(None, pattern=r"^[a-z0-9]{2,16}$", description="The only app it is for")
    read_only: bool = False
    days: int | None = Field(None, ge=1, le=LONGEST_DAYS, description="How long it works")


class TokenShown(Shown):
    """A token without what is secret about it."""

    id: int
    name: str
    kind: str
    maker: str
    app: str | None = Field(validation_alias="app_id")
    read_only: bool = Field(validation_alias="is_read_only")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokenMade(TokenShown):
    """A new token; its secret is in this answer and nowhere else."""

    secret: str


class TokenList(BaseModel):
    """The newest first."""

    items: list[TokenShown]


@api.get("", responses={200: TokenList})
def list_() -> dict[str, Any]:
    """List your tokens; operators see everybody's."""
    found = tokens.visible(acting())
    return TokenList(items=[TokenShown.of(token) for token in found]).model_dump(mode="json")


@api.post("", responses={201: TokenMade})
def create(body: NewToken) -> Answered:
    """Make a token that acts for you, limited as you say."""
    services = acting()
    app = access.app(services, AppId(body.app), See) if body.app is not None else None
    token, secret = tokens.make(
        services,
        TokenRequest(
            name=body.name,
            app=app,
            is_read_only=body.read_only,
            days=body.days,
        ),
    )
    shown = TokenShown.of(token).model_dump()
    return TokenMade(**shown, secret=secret).model_dump(mode="json"), 201


@api.delete("/current", responses={204: None})
def end_current() -> Answered:
    """Revoke the token that this request carries: what `coppice logout` does."""
    services = acting()
    secret = request.headers.get("Authorization", "").partition(" ")[2].strip()
    if not secret.startswith(PREFIX):
        raise NotFound("This request carries no token that could be revoked.")
    tokens.end(services, tokens.known(services, secret))
    return "", 204


@api.delete("/<int:token>", responses={204: None})
def revoke(path: OfToken) -> Answered:
    """Revoke a token; it stops working at once."""
    tokens.revoke(acting(), TokenId(path.token))
    return "", 204
