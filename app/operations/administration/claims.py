"""Handing a provisioned instance over to an account on GitHub, by a link that works once."""

from datetime import timedelta

from app.core.audit import AuditEvent
from app.core.errors import Conflict, Invalid
from app.core.instances import Instance
from app.core.intents import ApplyLimits, MeasureInstance, RotatePassword
from app.core.limits import Limits
from app.core.ownership import Handover, UnknownLink, check_claim, check_claimer, check_offer
from app.core.people import Operate
from app.core.repositories import Repository
from app.core.tokens import fingerprint
from app.operations import access
from app.operations.access import Permitted
from app.operations.administration import limits as plans
from app.operations.services import Services
from app.store.store import Store

PATH = "/claim/"
LONGEST = timedelta(days=30)


def offer(
    services: Services, permitted: Permitted[Instance, Operate], *, plan: Limits, valid: timedelta
) -> str:
    """Make the link; an earlier one does not work any more. `plan` holds once it is claimed.

    Raises Conflict for a linked instance, for one that was claimed, and while nobody could use it.
    """
    instance = permitted.subject
    check_offer(instance, services.store.handovers.of_instance(instance.id))
    _check_log_in(services)
    plans.check(plan)
    if not timedelta(0) < valid <= LONGEST:
        raise Invalid(f"A claim link is valid for up to {LONGEST.days} days.")
    secret = services.new_secret()
    claim = Handover(instance_id=instance.id, limits=plan, expires_at=services.clock() + valid)
    services.store.handovers.offer(claim, token_hash=fingerprint(secret))
    services.record(AuditEvent.INSTANCES_OFFER, instance.name, detail=plans.described(plan))
    return services.public_url + PATH + secret


def offered(services: Services, secret: str) -> tuple[Instance, Handover]:
    """What a link is for. Raises UnknownLink."""
    claim = check_claim(services.store.handovers.linked(fingerprint(secret)), now=services.clock())
    return services.store.instances.get(claim.instance_id), claim


def claim(services: Services, secret: str) -> Instance:
    """Make the actor the owner: the plan holds, and every password is replaced by a worker.

    The link is the permission, with what GitHub says of the actor now.

    Raises:
        UnknownLink: The link is used, replaced or too old.
        Forbidden: The actor is no admin of a repository that has its databases there.
    """
    instance, found = offered(services, secret)
    repositories = _repositories(services.store, instance)
    permissions = [access.permission(services, one, is_fresh=True) for one in repositories]
    check_claimer(services.actor, permissions)
    databases = services.store.databases.all(instance_id=instance.id)
    is_first = services.store.handovers.take(
        fingerprint(secret),
        owner_id=services.actor.user_id,
        owner_login=services.actor.login,
        at=services.clock(),
        then=[
            ApplyLimits(instance_id=instance.id),
            MeasureInstance(instance_id=instance.id),
            *(RotatePassword(database_id=database.id) for database in databases),
        ],
    )
    if not is_first:
        raise UnknownLink
    services.record(AuditEvent.INSTANCES_CLAIM, instance.name, detail=plans.described(found.limits))
    return instance


def _check_log_in(services: Services) -> None:
    """Whoever follows the link logs in with GitHub. Raises Conflict while that cannot be."""
    app = services.github_app.current(is_fresh=True)
    if app is None:
        raise Conflict(
            "No GitHub App is connected, so nobody could log in and use the link.",
            advice=f"Open {services.public_url}/setup as an operator first (`coppice"
            " login-link` lets you in), and assign a repository of the new owner's.",
        )
    if not app.can_log_in:
        raise Conflict(
            "Nobody can log in through GitHub, so nobody could use the link.",
            advice="Set COPPICE_GITHUB_CLIENT_ID and COPPICE_GITHUB_CLIENT_SECRET first.",
        )


def _repositories(store: Store, instance: Instance) -> list[Repository]:
    ids = {one.app.repository_id for one in store.apps.assignments(instance_id=instance.id)}
    found = [store.repositories.get(each) for each in sorted(ids)]
    return [repository for repository in found if repository is not None]
