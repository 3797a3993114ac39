"""The API for the GitHub App that the service is; making one takes a browser, at /setup."""

from typing import Any

from flask import current_app
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from app.core.errors import NotFound
from app.core.github_app import EVENTS, GitHubApp, permissions_for, why_out_of_reach
from app.core.people import Operate, Oversee
from app.operations import access
from app.operations.administration import github_setup
from app.operations.services import Services
from app.web.api.shapes import ERRORS, PERSON, Answered, Part
from app.web.identity import acting

api = Part(
    "github_app",
    __name__,
    url_prefix="/api/v1/github-app",
    abp_tags=[Tag(name="set-up", description="The GitHub App that the service is")],
    abp_security=PERSON,
    abp_responses=ERRORS,
)


class ConnectedApp(BaseModel):
    """The App; its secrets are never shown."""

    app_id: int
    url: str | None = Field(description="Its page at GitHub; null: GitHub does not say now")
    install_url: str | None = Field(description="Where an account installs it")
    can_log_in: bool = Field(description="Whether people can log in with GitHub")
    from_settings: bool = Field(description="Set in the environment, so not to be forgotten here")


class RightShown(BaseModel):
    """A permission, or an event, and what for."""

    name: str
    level: str | None
    why: str


class SetUp(BaseModel):
    """Whether GitHub is connected, and what the App may do."""

    app: ConnectedApp | None = Field(description="Null: there is none, and /setup makes one")
    obstacle: str | None = Field(description="Why GitHub cannot make one for this address")
    permissions: list[RightShown]
    events: list[RightShown]


@api.get("", responses={200: SetUp})
def show() -> dict[str, Any]:
    """Show whether GitHub is connected, for operators."""
    services = access.service(acting(), Oversee).subject
    app = services.github_app.current(is_fresh=True)
    operators: frozenset[str] = current_app.extensions["operators"]
    obstacle = why_out_of_reach(services.public_url, github_url=services.github_url)
    return SetUp(
        app=_connected(services, app) if app else None,
        obstacle=None if app else obstacle,
        permissions=[
            RightShown(name=one.name, level=one.level, why=one.why)
            for one in permissions_for(operators)
        ],
        events=[RightShown(name=one.name, level=None, why=one.why) for one in EVENTS],
    ).model_dump()


@api.delete("", responses={204: None})
def forget() -> Answered:
    """Forget the App that /setup made, so that another can be made. Databases stay."""
    operator = access.service(acting(), Operate)
    if operator.subject.github_app.current(is_fresh=True) is None:
        raise NotFound("There is no GitHub App.", advice="An operator makes one at /setup.")
    github_setup.disconnect(operator)
    return "", 204


def _connected(services: Services, app: GitHubApp) -> ConnectedApp:
    url = github_setup.page_of(services, app)
    return ConnectedApp(
        app_id=app.app_id,
        url=url or None,
        install_url=f"{url}/installations/new" if url else None,
        can_log_in=app.can_log_in,
        from_settings=services.github_app.is_from_settings,
    )
