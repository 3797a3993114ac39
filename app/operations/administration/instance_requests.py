"""What is asked of a machine for instances."""

from dataclasses import dataclass
from typing import Protocol

from app.core.instances import AdminLogin, ServerHere


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
