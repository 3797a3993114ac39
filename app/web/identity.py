"""Who is asking, by the proof in the request."""

import hmac

from flask import current_app, g, request

from app.core.errors import Unauthorized
from app.core.people import OPERATOR, Actor
from app.core.tokens import actor_of
from app.operations.administration import tokens
from app.operations.services import Services
from app.web.auth import sessions


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
