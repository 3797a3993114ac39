"""Reads a request's credentials and resolves its repository before an endpoint answers."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from flask import Response, current_app, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from demo.github import access
from demo.github.context import Context
from demo.github.model import Json, Repository, Token
from demo.github.rest.answers import Refused, not_found
from demo.github.state import utc_now

Answer = AnyResponse | tuple[Response, int] | tuple[str, int] | tuple[Json, int]


def context() -> Context:
    return cast(Context, current_app.config["CONTEXT"])


def credentials() -> str:
    """The token of the Authorization header; GitHub takes both spellings."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() not in ("bearer", "token") or not value:
        raise Refused(401, "Requires authentication")
    return value.strip()


def app_endpoint(endpoint: Callable[..., Answer]) -> Callable[..., Answer]:
    """Only the App itself, with a fresh JWT."""

    @wraps(endpoint)
    def guarded(**arguments: Any) -> Answer:
        found = context()
        access.verify_app_jwt(
            credentials(), app_id=found.identity.id, key=found.app_key.public_key()
        )
        with found.state.lock:
            return endpoint(found, **arguments)

    return guarded


def optional_credentials(found: Context) -> None:
    """For what needs no token: none will do, but a wrong one is refused."""
    if "Authorization" not in request.headers:
        return
    with found.state.lock:
        if credentials() not in {*found.state.tokens, *found.state.user_tokens}:
            raise Refused(401, "Bad credentials")


def user_endpoint(endpoint: Callable[..., Answer]) -> Callable[..., Answer]:
    """Only a person's own token."""

    @wraps(endpoint)
    def guarded(**arguments: Any) -> Answer:
        found = context()
        value = credentials()
        with found.state.lock:
            token = found.state.user_tokens.get(value)
            if token is None and value in found.state.tokens:
                raise Refused(403, "Resource not accessible by integration")
            if token is None or token.expires_at <= utc_now():
                raise Refused(401, "Bad credentials")
            return endpoint(found, token.user, **arguments)

    return guarded


def installation_endpoint(endpoint: Callable[..., Answer]) -> Callable[..., Answer]:
    """Any token of an installation."""

    @wraps(endpoint)
    def guarded(**arguments: Any) -> Answer:
        found = context()
        with found.state.lock:
            return endpoint(found, token(found), **arguments)

    return guarded


def repository_endpoint(
    permission: str, *, level: str = "read"
) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """A token with this permission on the repository of the path; a former name redirects."""

    def guard(endpoint: Callable[..., Answer]) -> Callable[..., Answer]:
        @wraps(endpoint)
        def guarded(owner: str, repo: str, **arguments: Any) -> Answer:
            found = context()
            with found.state.lock:
                presented = token(found)
                repository = found.state.repository(f"{owner}/{repo}")
                if repository is None:
                    moved = found.state.moved_repository(f"{owner}/{repo}")
                    return _redirect(found, presented, moved, f"/repos/{owner}/{repo}")
                access.require(presented, repository, permission=permission, level=level)
                return endpoint(found, repository, **arguments)

        return guarded

    return guard


def token(found: Context) -> Token:
    return access.known_token(found.state, credentials())


def _redirect(found: Context, presented: Token, moved: Repository | None, prefix: str) -> Answer:
    """GitHub answers 301 for a former name: https://docs.github.com/en/rest/using-the-rest-api"""
    if moved is None:
        raise not_found()
    access.require(presented, moved, permission="metadata", level="read")
    path: str = request.environ["github.path"]
    rest = path[len(prefix) :]
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    base = found.url + request.environ["github.prefix"]
    return redirect(f"{base}/repositories/{moved.id}{rest}{query}", code=301)
