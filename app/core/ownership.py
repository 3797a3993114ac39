"""Handing an instance over: a link, valid once, by which an account on GitHub claims it."""

from dataclasses import dataclass
from datetime import datetime

from app.core.errors import Conflict, Forbidden, NotFound
from app.core.identifiers import InstanceId
from app.core.instances import Instance, InstanceKind
from app.core.limits import Limits
from app.core.people import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """The offer of an instance, and who took it up."""

    instance_id: InstanceId
    limits: Limits
    """In force once it is claimed."""
    expires_at: datetime
    owner_id: int | None = None
    owner_login: str | None = None
    claimed_at: datetime | None = None

    @property
    def is_claimed(self) -> bool:
        return self.claimed_at is not None


class UnknownLink(NotFound):
    """Never made, used, replaced by another, or too old: a stranger is not told which."""

    code = "unknown_claim_link"
    advice = "Ask the operator for another link: each is valid once and for a limited time."

    def __init__(self) -> None:
        super().__init__(
            "This claim link was used, was replaced by a newer one, is too old, or is not whole."
        )


def check_offer(instance: Instance, present: Handover | None) -> None:
    """Raise Conflict for an instance that cannot be handed over."""
    if instance.kind is not InstanceKind.PROVISIONED:
        raise Conflict(
            f"{instance.name} is a linked server, which belongs to who runs it.",
            advice="Only provisioned instances are handed over.",
        )
    if present is not None and present.is_claimed:
        raise Conflict(
            f"{instance.name} belongs to {present.owner_login} already.",
            advice="An instance can be taken over only once.",
        )


def check_claim(claim: Handover | None, *, now: datetime) -> Handover:
    """The claim whose link may be followed now. Raises UnknownLink."""
    if claim is None or claim.is_claimed or claim.expires_at <= now:
        raise UnknownLink
    return claim


def check_claimer(actor: Actor, permissions: list[str]) -> None:
    """Raise Forbidden unless a person with an account claims, as admin of an assigned repository.

    `permissions` are the account's on the repositories whose apps are assigned to the instance.
    """
    if not actor.user_id or actor.only_app is not None or actor.is_read_only:
        raise Forbidden(
            "An instance is claimed by an account on GitHub.", advice="Log in with GitHub."
        )
    if "admin" not in permissions:
        raise Forbidden(
            "You are not an admin of any repository that has databases on this server.",
            advice="Somebody with the permission admin on such a repository can claim it.",
        )


def check_own_way_in(actor: Actor) -> None:
    """Raise Forbidden for who may not say where the service itself connects, and as whom.

    Not who claimed an instance either: the service stands where they do not, and what it says of
    a connection would tell them of servers that only it can reach.
    """
    if not actor.is_operator:
        raise Forbidden(
            "Only operators change how the service itself connects.",
            advice="Change where others connect instead, or ask an operator.",
        )


def owns(actor: Actor, claim: Handover | None) -> bool:
    """Whether the instance is the actor's own."""
    return claim is not None and claim.is_claimed and actor.user_id == claim.owner_id
