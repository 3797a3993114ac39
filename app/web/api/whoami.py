"""Who is asking."""

from typing import Any

from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from app.web.api.shapes import ERRORS, PERSON, Part
from app.web.identity import current_actor

api = Part(
    "whoami",
    __name__,
    url_prefix="/api/v1/whoami",
    abp_tags=[Tag(name="people", description="Who is asking, and their tokens")],
    abp_security=PERSON,
    abp_responses=ERRORS,
)


class WhoAmI(BaseModel):
    """Whom the service takes the request for."""

    actor: str
    login: str | None
    is_operator: bool
    app: str | None
    read_only: bool


@api.get("", responses={200: WhoAmI})
def who_am_i() -> dict[str, Any]:
    """Say whom the service takes the request for."""
    actor = current_actor()
    return WhoAmI(
        actor=actor.name,
        login=actor.login or None,
        is_operator=actor.is_operator,
        app=actor.only_app,
        read_only=actor.is_read_only,
    ).model_dump()
