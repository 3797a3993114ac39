"""The API for `coppice login`: a terminal asks for a code, and later for its token."""

from typing import Any

from flask import current_app, request
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from app.core.people import NOBODY
from app.operations.administration import device_logins
from app.operations.administration.device_logins import LIFETIME, POLL_SECONDS
from app.operations.administration.tokens import LONGEST_NAME
from app.operations.services import Services
from app.web.api.shapes import ERRORS, Part, Request, Text
from app.web.api.tokens import TokenMade, TokenShown

PAGE = "/login/device"

api = Part(
    "login",
    __name__,
    url_prefix="/api/v1/login",
    abp_tags=[
        Tag(name="login", description="For the command line, as in RFC 8628; needs no token")
    ],
    abp_responses=ERRORS,
)


class BeginLogin(Request):
    """A terminal that wants to act for a person."""

    name: Text = Field(min_length=1, max_length=LONGEST_NAME, examples=["coppice on laptop"])


class LoginBegun(BaseModel):
    """Show the person address and code; ask with the device code until they have confirmed it."""

    device_code: str
    user_code: str = Field(examples=["WDJB-MJHT"])
    verification_uri: str
    expires_in: int
    interval: int


class FinishLogin(Request):
    """The code that only the terminal knows."""

    device_code: str = Field(pattern=r"^[A-Za-z0-9]{40}$")


@api.post("/device", responses={200: LoginBegun})
def begin(body: BeginLogin) -> dict[str, Any]:
    """Begin a log-in of a terminal."""
    services = _anybody()
    begun = device_logins.begin(services, name="".join(filter(str.isprintable, body.name)) or "?")
    return LoginBegun(
        device_code=begun.device_code,
        user_code=begun.user_code,
        verification_uri=services.public_url + PAGE,
        expires_in=round(LIFETIME.total_seconds()),
        interval=POLL_SECONDS,
    ).model_dump()


@api.post("/device/token", responses={200: TokenMade})
def finish(body: FinishLogin) -> dict[str, Any]:
    """Ask for the token: 400 `authorization_pending` means to ask again."""
    token, secret = device_logins.collect(_anybody(), body.device_code)
    shown = TokenShown.of(token).model_dump()
    return TokenMade(**shown, secret=secret).model_dump(mode="json")


def _anybody() -> Services:
    services: Services = current_app.extensions["services"]
    return services.acting_as(NOBODY, source=request.remote_addr or "")
