"""Instances: PostgreSQL servers that Coppice may create databases on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from app.core.databases import ENDED, DatabaseState
from app.core.identifiers import HostId, InstanceId


class InstanceKind(StrEnum):
    """Who runs the server."""

    PROVISIONED = "provisioned"
    LINKED = "linked"


class SslMode(StrEnum):
    """libpq's sslmode values that Coppice accepts."""

    DISABLE = "disable"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class InstanceStatus(StrEnum):
    """What an instance shows."""

    CONNECTED = "Connected"
    CREATING = "Creating"
    ERROR = "Error"
    UNASSIGNED = "Unassigned"
    UNREACHABLE = "Unreachable"
    """Its machine gives no sign of life: of the server nothing is known since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a PostgreSQL server or pooler answers, and how far to trust the way there."""

    host: str
    port: int
    sslmode: SslMode = SslMode.PREFER
    ca_certificate: str | None = field(default=None, repr=False)
    """PEM text of the CA, or None for the system's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminLogin:
    """How the service itself connects: a role with CREATEDB and CREATEROLE."""

    address: Address
    user: str
    password: str = field(repr=False)
    maintenance_database: str = "postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHere:
    """A server of Coppice's own that is found on this machine."""

    name: str
    """Of the instance that it was made for."""
    port: int
    system_identifier: str
    """That of its cluster; a copy of its files has it too."""
    databases: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One server: how the service reaches it, and what runners are told."""

    id: InstanceId = InstanceId(0)
    """0 until it is stored."""
    name: str
    kind: InstanceKind
    admin: AdminLogin
    public_address: Address
    pooler_address: Address | None = None
    pooler_knows_job_logins: bool = False
    """The pooler asks PostgreSQL for logins, so that a job login works through it."""
    host: HostId | None = None
    """The machine that a provisioned one stands on; None: it is linked, or nobody knows."""
    has_plain_passwords: bool = False
    """The server is told passwords in plain: it refuses verifiers, and an operator chose this."""


def instance_status(
    states: Iterable[DatabaseState],
    *,
    is_assigned: bool,
    is_failing: bool,
    is_unreachable: bool = False,
) -> InstanceStatus:
    """One word for an instance, from its server and the databases of the apps assigned to it.

    Deleted databases do not count. Failures show first: they need a person. An app that was just
    assigned has no databases for a moment: they are on their way.

    Args:
        states: Of the databases of assigned apps.
        is_assigned: Whether there is such an app.
        is_failing: The server did not answer when it was last asked, or cannot be used. No state
            of a database tells that: nobody has touched them since.
        is_unreachable: Its machine is silent, so that all else is of before.
    """
    if is_unreachable:
        return InstanceStatus.UNREACHABLE
    if is_failing:
        return InstanceStatus.ERROR
    if not is_assigned:
        return InstanceStatus.UNASSIGNED
    known = set(states)
    current = known - ENDED
    if not known:
        return InstanceStatus.CREATING
    if DatabaseState.ERROR in current:
        return InstanceStatus.ERROR
    if DatabaseState.CREATING in current:
        return InstanceStatus.CREATING
    return InstanceStatus.CONNECTED
