"""What every part of the small GitHub shares."""

from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from demo.github.description import Description
from demo.github.faults import Faults
from demo.github.hooks import Hook
from demo.github.objects.accounts import AppIdentity
from demo.github.oidc import Issuer
from demo.github.state import State


@dataclass(slots=True, kw_only=True)
class Context:
    """Built once by LocalGitHub; `identity.url` is the address that answers carry."""

    state: State
    identity: AppIdentity
    app_key: RSAPrivateKey = field(repr=False)
    hook: Hook
    issuer: Issuer
    faults: Faults
    description: Description | None
    token_lifetime: timedelta = timedelta(hours=1)
    rate_limit: int = 5000

    @property
    def url(self) -> str:
        return self.identity.url
