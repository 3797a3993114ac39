"""Verification of the OIDC tokens that GitHub gives to workflow jobs.

https://docs.github.com/en/actions/reference/security/oidc
"""

from typing import Any

import jwt
from jwt import PyJWK

from app.core.claims import Claims
from app.core.errors import Unauthorized
from app.core.markdown import quoted
from app.github.signing_keys import SigningKeys
from app.github.token_claims import MalformedClaim, claims_of

_ALGORITHM = "RS256"
_LEEWAY_SECONDS = 30
_MAX_LIFETIME_SECONDS = 3600
_MAX_TOKEN_CHARACTERS = 16_384
# Headers that name a key by themselves, or ask for rules that we do not know. GitHub sends none.
_REFUSED_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit"})
_REQUIRED = ["exp", "iat", "nbf", "iss", "aud", "sub", "jti"]


class OidcVerifier:
    """Tells whose job a token belongs to. Thread-safe; fetches the issuer's keys as needed.

    Args:
        issuer: Exactly the token's `iss`; its keys are read from `{issuer}/.well-known/jwks` and
            from nowhere else, whatever a token says.
        audience: Exactly the token's `aud`, without a trailing slash: the address of this service.
    """

    def __init__(self, issuer: str, audience: str) -> None:
        self._issuer = issuer.rstrip("/")
        self._audience = audience.rstrip("/")
        self._keys = SigningKeys(f"{self._issuer}/.well-known/jwks")

    def verify(self, token: str) -> Claims:
        """The claims of a token that GitHub signed for this service and that is valid now.

        Raises:
            Unauthorized: Forged, malformed, expired or meant for somebody else. The text never
                holds the token.
            TransientError: The issuer's keys cannot be read at present.
        """
        key = self._keys.find(_key_id(token))
        payload = self._decode(token, key)
        self._check_audience(payload["aud"])
        _check_lifetime(payload)
        try:
            return claims_of(payload)
        except MalformedClaim as error:
            raise _refused(f"its claim {error.name} is malformed or missing") from error

    def _decode(self, token: str, key: PyJWK) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                # The audience is compared below, so that the answer can tell both of them.
                options={"require": _REQUIRED, "verify_aud": False},
            )
        except jwt.ExpiredSignatureError as error:
            raise _refused("it has expired") from error
        except jwt.ImmatureSignatureError as error:
            raise _refused("it is not valid yet; check this machine's clock") from error
        except jwt.InvalidIssuerError as error:
            raise _refused(f"its issuer is not {quoted(self._issuer)}") from error
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"its claim {error.claim} is malformed or missing") from error
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise _refused("its signature or form is wrong") from error

    def _check_audience(self, audience: object) -> None:
        if audience == self._audience:
            return
        got = quoted(audience) if isinstance(audience, str) else "no single text"
        raise Unauthorized(
            f"The job's token is for the audience {got}, "
            f"and this service accepts only {quoted(self._audience)}.",
            advice="Set the Action's `service-url` to exactly the service's COPPICE_PUBLIC_URL.",
            code="wrong_audience",
        )


def _key_id(token: str) -> str:
    """The `kid` of a token's header, which nobody vouches for yet."""
    if len(token) > _MAX_TOKEN_CHARACTERS:
        raise _refused("it is too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise _refused("it is no JSON web token") from error
    if header.get("alg") != _ALGORITHM:
        raise _refused(f"it is not signed with {_ALGORITHM}")
    if refused := sorted(_REFUSED_HEADERS & header.keys()):
        raise _refused(f"its header has {', '.join(refused)}")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise _refused("its header names no key")
    return key_id


def _check_lifetime(payload: dict[str, Any]) -> None:
    times = [payload[name] for name in ("iat", "nbf", "exp")]
    # `True` is an int to Python, and a fraction of a second is not what GitHub sends.
    if any(type(time) is not int for time in times):
        raise _refused("its times are malformed")
    if not 0 < payload["exp"] - payload["iat"] <= _MAX_LIFETIME_SECONDS:
        raise _refused("it is valid for longer than an hour")


def _refused(reason: str) -> Unauthorized:
    return Unauthorized(
        f"The job's token was refused: {reason}.",
        advice="Re-run the workflow. If it happens again, tell the operators of this service.",
        code="invalid_token",
    )
