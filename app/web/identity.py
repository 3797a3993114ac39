"""Who is asking, and whether they may: proof from the request, permission live from GitHub."""

import hmac
import time

from flask import current_app, g, request

from app.core.errors import CoppiceError, Forbidden, NotFound, TransientError, Unauthorized
from app.core.instances import Instance
from app.core.ownership import owns
from app.core.people import OPERATOR, ROLES, Act, Actor, Wanted, refusal
from app.core.repositories import Repository
from app.core.tokens import actor_of
from app.operations.administration import tokens
from app.operations.services import Services
from app.web.auth import sessions

SEEN_SECONDS = 30.0
"""For how long a permission is believed for looking, and for a refusal; what is to be done on the
strength of it always asks GitHub again."""


class Permissions:
    """What GitHub said of people's permissions a moment ago. One for each process."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[float, str]] = {}

    def of(
        self, services: Services, repository: Repository, actor: Actor, *, is_fresh: bool
    ) -> str:
        """The account's permission on the repository; `none` for an operator without an account.

        Raises GitHubUnavailable.
        """
        if not is_fresh and (known := self.remembered(repository, actor)) is not None:
            return known
        if not actor.login or not repository.is_active:
            return "none"
        try:
            found = services.github.permission(repository, login=actor.login, user_id=actor.user_id)
        except TransientError:
            raise
        except CoppiceError:
            # GitHub lets the App look there no more, of which its event is still on the way. One
            # such repository must not take the lists of all others away from everybody.
            found = "none"
        now = time.monotonic()
        self._known = {each: kept for each, kept in self._known.items() if kept[0] > now}
        self._known[actor.user_id, repository.id] = (now + SEEN_SECONDS, found)
        return found

    def remembered(self, repository: Repository, actor: Actor) -> str | None:
        """The same as of a moment ago; None: that was not asked, or too long ago."""
        if not actor.login or not repository.is_active:
            return "none"
        until, known = self._known.get((actor.user_id, repository.id), (0.0, ""))
        return known if time.monotonic() < until else None


def current_actor() -> Actor:
    """Who sent the request, by its token or else its session.

    Where the application was made for one actor (see `inside`) it is always that one. Raises
    Unauthorized for nobody; StateUnavailable.
    """
    if (own := _only_actor()) is not None:
        return own
    # Several ask within one request, and the answer must not change between them.
    if "actor" not in g:
        g.actor = _actor_of_request()
    actor: Actor = g.actor
    return actor


def _only_actor() -> Actor | None:
    """For whom alone the application was made in this process; a served one has nobody here."""
    own: Actor | None = current_app.extensions.get("actor")
    return own


def _actor_of_request() -> Actor:
    authorization = request.headers.get("Authorization")
    if authorization is None:
        services: Services = current_app.extensions["services"]
        if (person := sessions.actor(services.store.ended_sessions)) is not None:
            return person
        raise Unauthorized("Nobody is logged in.", advice="Log in, or send a token.")
    # With this header the cookie counts for nothing: such requests are not checked for forgery.
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Nobody is logged in.", advice="Log in, or send a token.")
    admin_token: str = current_app.extensions["admin_token"]
    if admin_token and hmac.compare_digest(token.encode(), admin_token.encode()):
        return OPERATOR
    return _actor_of_token(token)


def _actor_of_token(secret: str) -> Actor:
    """Whom a token of the API acts as. Raises Unauthorized when it is not known (any more)."""
    services: Services = current_app.extensions["services"]
    token = tokens.known(services, secret)
    operators: frozenset[str] = current_app.extensions["operators"]
    is_operator = token.maker_id == 0 or sessions.is_operator(
        token.maker_login, (), operators=operators
    )
    return actor_of(token, is_operator=is_operator)


def acting() -> Services:
    """The collaborators of operations, acting for who sent the request. Raises Unauthorized."""
    services: Services = current_app.extensions["services"]
    if _only_actor() is not None:
        return services
    return services.acting_as(current_actor(), source=request.remote_addr or "")


def require_operator(services: Services) -> None:
    """Raise Forbidden for everybody else."""
    if not services.actor.is_operator or services.actor.only_app is not None:
        raise Forbidden(
            "Only operators may do this.",
            advice="COPPICE_OPERATORS of the service names them.",
        )
    _refuse_to_change(services)


def _refuse_to_change(services: Services) -> None:
    if services.actor.is_read_only and request.method not in {"GET", "HEAD"}:
        raise Forbidden("This token may only read.", advice="Make a token for reading and writing.")


def permission_now(services: Services, repository: Repository) -> str:
    """The actor's permission on the repository, asked of GitHub. Raises GitHubUnavailable."""
    permissions: Permissions = current_app.extensions["permissions"]
    return permissions.of(services, repository, services.actor, is_fresh=True)


def require_steward(services: Services, instance: Instance) -> None:
    """Raise Forbidden for everybody but operators and the account that claimed the instance."""
    actor = services.actor
    is_owner = owns(actor, services.store.handovers.of_instance(instance.id))
    if not (is_owner or actor.is_operator) or actor.only_app is not None:
        raise Forbidden(
            f"{instance.name} is for those who run it: operators, and the account that owns it.",
            advice="COPPICE_OPERATORS of the service names operators; they can hand an instance"
            " over to an account.",
        )
    _refuse_to_change(services)


def require(services: Services, repository: Repository, wanted: Wanted) -> None:
    """Let the actor do what is wanted with an app of the repository.

    Raises NotFound for those who may not even see it, as if it did not exist; Forbidden, saying
    what is missing; GitHubUnavailable.
    """
    permissions: Permissions = current_app.extensions["permissions"]
    known = permissions.remembered(repository, services.actor)
    if known is not None and refusal(services.actor, wanted, permission=known) is not None:
        # Else whoever may not could use up what GitHub lets the service ask in an hour.
        permission = known
    else:
        is_looking = wanted.act is Act.SEE
        permission = permissions.of(services, repository, services.actor, is_fresh=not is_looking)
    seeing = Wanted(act=Act.SEE, app_id=wanted.app_id)
    if refusal(services.actor, seeing, permission=permission) is not None:
        raise NotFound(f"There is no repository {repository.full_name} that you can see.")
    reason = refusal(services.actor, wanted, permission=permission)
    if reason is not None:
        is_token_s = refusal(services.actor, wanted, permission=ROLES[-1]) is not None
        raise Forbidden(
            reason,
            advice="Make a token that may."
            if is_token_s
            else "Ask somebody who has it, or an admin of the repository to give it to you.",
        )
