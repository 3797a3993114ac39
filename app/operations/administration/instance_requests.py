"""What people ask of instances, and what is asked of the machine for them."""

from dataclasses import dataclass, field
from typing import Protocol

from app.core.instances import AdminLogin, ServerHere, SslMode

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """A server that was just made."""

    admin: AdminLogin
    ca_certificate: str | None
    """PEM of the CA that signed its certificate; None: it has no TLS."""


class Clusters(Protocol):
    """Servers that this machine runs for provisioned instances."""

    def is_served(self) -> bool:
        """Whether a `serve` keeps them running."""

    def has_tls(self) -> bool:
        """Whether the PostgreSQL programs can encrypt connections."""

    def provision(
        self, name: str, *, listen: str, port: int | None, tls_host: str | None
    ) -> Provisioned:
        """Make a server and the role that administers it; may be repeated.

        Raises Conflict when one of the name stands here that has databases: it is another's.
        """

    def leftover(self, name: str) -> ServerHere | None:
        """The server that stands here under the name; None: there is none.

        Starts it, to look.
        """

    def identity(self, name: str) -> str:
        """What tells the server that is there now from a later one of the same name."""

    def destroy(self, name: str, *, identity: str) -> None:
        """Stop the server and remove all its data; does nothing if another is there by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionRequest:
    """What a person wants of a new server."""

    name: str
    listen: str = LOOPBACK
    port: int | None = None
    public_host: str | None = None
    insecure_network: bool = False
    """Accept unencrypted connections from other machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooler:
    """A connection pooler in front of a server."""

    host: str
    port: int
    knows_job_logins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """An existing server. What is None follows the URL."""

    name: str
    url: str = field(repr=False)
    public_host: str | None = None
    public_port: int | None = None
    public_sslmode: SslMode | None = None
    ca_certificate: str | None = field(default=None, repr=False)
    pooler: Pooler | None = None
    has_plain_passwords: bool = False
    """Tell the server passwords in plain, because it takes no verifiers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceChanges:
    """What `edit` changes; None leaves it as it is."""

    url: str | None = field(default=None, repr=False)
    public_host: str | None = None
    public_port: int | None = None
    public_sslmode: SslMode | None = None
    ca_certificate: str | None = field(default=None, repr=False)
    """Empty: no CA of its own."""
    pooler: Pooler | None = None
    without_pooler: bool = False
    without_plain_passwords: bool = False
