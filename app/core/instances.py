"""Instances: PostgreSQL servers that Coppice may create databases on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

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

    id: InstanceId
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
