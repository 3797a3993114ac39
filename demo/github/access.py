"""Who asks, and what they may see: App JWTs, installation tokens, permissions."""

import secrets
from collections.abc import Iterable
from datetime import timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from demo.github.model import Account, Installation, Repository, Token
from demo.github.objects.accounts import AppIdentity
from demo.github.rest.answers import Refused, not_found
from demo.github.state import State, utc_now

ROLES = ("none", "read", "triage", "write", "maintain", "admin")
"""What people have on a repository, the least first."""
_LEVELS = ("none", "read", "write", "admin")
_NOT_ACCESSIBLE = "Resource not accessible by integration"


def verify_app_jwt(value: str, *, app_id: int, key: RSAPublicKey) -> None:
    """Raise Refused unless GitHub would accept this JWT of the App.

    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
    """
    try:
        claims = jwt.decode(
            value,
            key,
            algorithms=["RS256"],
            options={"require": ["iss", "iat", "exp"], "verify_iss": False},
        )
    except jwt.InvalidTokenError as error:
        raise Refused(401, "A JSON web token could not be decoded") from error
    if str(claims["iss"]) != str(app_id):
        raise Refused(401, "'Issuer' claim ('iss') must be an Integer")
    if claims["exp"] > utc_now().timestamp() + 600:
        raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")


def new_token(
    installation: Installation,
    *,
    repository_ids: set[int] | None,
    permissions: dict[str, str] | None,
    valid_for: timedelta,
) -> Token:
    """A token in the form that GitHub hands out since 2026: long, and with dots in it."""
    for name, level in (permissions or {}).items():
        if not _allows(installation.permissions, name, level):
            raise Refused(
                422, "The permissions requested are not granted to this installation.", errors=[]
            )
    secret = ".".join(secrets.token_urlsafe(size) for size in (24, 150, 60))
    return Token(
        value=f"ghs_{installation.id}_{secret}",
        installation=installation,
        repository_ids=repository_ids,
        permissions=dict(permissions or installation.permissions) | {"metadata": "read"},
        expires_at=utc_now() + valid_for,
    )


def known_token(state: State, value: str) -> Token:
    """Raise Refused for an unknown, expired or suspended installation's token."""
    token = state.tokens.get(value)
    if token is None or token.expires_at <= utc_now():
        raise Refused(401, "Bad credentials")
    if token.installation.id not in state.installations:
        raise Refused(401, "Bad credentials")
    if token.installation.is_suspended:
        raise Refused(403, "This installation has been suspended")
    return token


def covers(token: Token, repository: Repository) -> bool:
    """The token was made for this repository, and the installation still sees it."""
    is_listed = token.repository_ids is None or repository.id in token.repository_ids
    return is_listed and State.is_seen(repository, by=token.installation)


def require(token: Token, repository: Repository, *, permission: str, level: str) -> None:
    """Raise 404 for what the token may not even see, 403 for what it may not do."""
    is_covered = covers(token, repository)
    if not is_covered and repository.is_private:
        raise not_found()
    if is_covered and _allows(token.permissions, permission, level):
        if repository.is_archived and level != "read":
            raise Refused(403, "Repository was archived so is read-only.")
        return
    if not is_covered and level == "read":
        return  # anybody may read what is public
    raise Refused(403, _NOT_ACCESSIBLE)


def require_either(
    token: Token, repository: Repository, permissions: list[str], *, level: str
) -> None:
    """Raise unless one of these permissions allows it."""
    granted = [name for name in permissions if _allows(token.permissions, name, level)]
    require(token, repository, permission=[*granted, permissions[0]][0], level=level)


def visible(token: Token, repositories: Iterable[Repository]) -> list[Repository]:
    return [repository for repository in repositories if covers(token, repository)]


def may_authorize(state: State, user: Account, app: AppIdentity) -> bool:
    """A private App is for its owner, and for members of the organisation that owns it.

    https://docs.github.com/en/apps/creating-github-apps/registering-a-github-app/making-a-github-app-public-or-private
    """
    return app.is_public or user.id == app.owner.id or (app.owner.id, user.id) in state.members


def role_of(repository: Repository, user: Account) -> str:
    """One of ROLES."""
    if user.id == repository.owner.id:
        return "admin"
    return repository.roles.get(user.id, "none" if repository.is_private else "read")


def _allows(permissions: dict[str, str], name: str, level: str) -> bool:
    granted = permissions.get(name, "read" if name == "metadata" else "none")
    return _LEVELS.index(granted) >= _LEVELS.index(level)
