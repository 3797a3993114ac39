"""The API for what an instance allows, and for handing it over."""

from datetime import datetime, timedelta
from typing import Any

from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from app.core.limits import Limits
from app.core.people import Operate
from app.operations import access
from app.operations.administration import claims, limits
from app.web.api.instance_models import InstanceShown, OfInstance
from app.web.api.instances import shown
from app.web.api.shapes import ERRORS, PERSON, Answer, Answered, Part, Request, given_of
from app.web.identity import acting

api = Part(
    "limits",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="limits", description="What an instance allows, and whose it is")],
    abp_security=PERSON,
    abp_responses=ERRORS,
)


class LimitsGiven(given_of(Limits)):  # type: ignore[misc]
    """What is absent or null has no limit."""


class OfferInstance(Request):
    """The plan that holds once the instance is claimed."""

    limits: LimitsGiven = Field(default_factory=LimitsGiven)
    days: int = Field(7, ge=1, le=30, description="How long the link is valid")


class Offered(BaseModel):
    """The link is shown this once."""

    link: str
    expires_at: datetime


class ClaimInstance(Request):
    """The last part of a claim link."""

    secret: str = Field(pattern=r"^[A-Za-z0-9]{20,200}$")


class Exceeded(BaseModel):
    """A limit that is exceeded already, as far as was measured."""

    words: str
    advice: str


class LimitsSet(LimitsGiven):
    """What holds from now on."""

    exceeded: list[Exceeded]


@api.put("/instances/<instance>/limits", responses={200: LimitsSet})
def set_limits(path: OfInstance, body: LimitsGiven) -> dict[str, Any]:
    """Set all limits of an instance. They remove nothing; `freezes` closes what is too large."""
    services = acting()
    instance = access.instance(services, path.instance, Operate)
    remarks = limits.set_limits(services, instance, body.read(Limits))
    exceeded = [Exceeded(words=one.words, advice=one.advice) for one in remarks]
    now: dict[str, Any] = LimitsSet(**body.model_dump(), exceeded=exceeded).model_dump()
    return now


@api.post("/instances/<instance>/claim-link", responses={201: Offered})
def offer(path: OfInstance, body: OfferInstance) -> Answered:
    """Make a link by which an account on GitHub takes a provisioned instance over, once.

    An earlier link does not work any more.
    """
    services = acting()
    instance = access.instance(services, path.instance, Operate)
    valid = timedelta(days=body.days)
    expires_at = services.clock() + valid
    link = claims.offer(services, instance, plan=body.limits.read(Limits), valid=valid)
    return Offered(link=link, expires_at=expires_at).model_dump(mode="json"), 201


class ClaimOffered(Answer):
    """What whoever claims the instance gets."""

    instance: str
    limits: Limits
    expires_at: datetime


@api.post("/claims/preview", responses={200: ClaimOffered})
def preview(body: ClaimInstance) -> dict[str, Any]:
    """Show what a claim link is for. The link stays valid."""
    instance, found = claims.offered(acting(), body.secret)
    return ClaimOffered(
        instance=instance.name,
        limits=found.limits,
        expires_at=found.expires_at,
    ).model_dump(mode="json")


@api.post("/claims", responses={200: InstanceShown})
def claim(body: ClaimInstance) -> dict[str, Any]:
    """Take an instance over: you need the permission admin on a repository that uses it.

    Its limits are replaced by the plan, and the password of every database is replaced.
    """
    services = acting()
    instance = claims.claim(services, body.secret)
    return shown(services, instance).model_dump()
