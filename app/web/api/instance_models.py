"""Requests and answers of the API for instances."""

from pydantic import BaseModel, Field

from app.core.connections import connections
from app.core.instance_requests import (
    INSTANCE_NAME,
    InstanceChanges,
    LinkRequest,
    Pooler,
    ProvisionRequest,
)
from app.core.limits import Limits
from app.operations.administration.instance_overviews import InstanceOverview
from app.web.api.server_models import ServerTest
from app.web.api.shapes import Answer, Query, Shown, given_of


class OfInstance(BaseModel):
    """An instance by its name."""

    instance: str = Field(pattern=INSTANCE_NAME)


class OfFinding(OfInstance):
    """What was found on an instance, by its code."""

    code: str = Field(pattern=r"^[a-z_]{1,40}$", description="As in `findings` of its health")


class ProvisionInstance(given_of(ProvisionRequest)):  # type: ignore[misc]
    """A PostgreSQL server of Coppice's own, on the service's machine."""


class PoolerGiven(given_of(Pooler)):  # type: ignore[misc]
    """A connection pooler in front of the server."""


class LinkInstance(given_of(LinkRequest)):  # type: ignore[misc]
    """An existing PostgreSQL server. What is absent follows the URL."""

    pooler: PoolerGiven | None = None


class EditInstance(given_of(InstanceChanges)):  # type: ignore[misc]
    """What to change; what is absent stays."""

    pooler: PoolerGiven | None = None


class AddressShown(Shown):
    """Where runners and applications connect."""

    host: str
    port: int
    sslmode: str


class AdministrationShown(BaseModel):
    """How the service itself connects; the password is never shown."""

    host: str
    port: int
    user: str


class ConnectionsShown(BaseModel):
    """What the server gives of what the limits, or the defaults, ask for."""

    login: int = Field(description="Sessions of each login at once")
    database: int = Field(description="Sessions of all logins of a database")
    server: int = Field(description="What the server has for all that are no administrators")

    @classmethod
    def of(cls, limits: Limits, *, room: int) -> "ConnectionsShown":
        found = connections(limits.connections, room=room)
        return cls(login=found.login, database=found.database, server=room)


class InstanceShown(Answer):
    """A server, with what you may see on it."""

    name: str
    kind: str
    status: str = Field(description="Connected, Creating, Error, Unassigned or Unreachable")
    problem: str | None = Field(
        description="Why its server cannot be used, as of the last measurement (every ten minutes,"
        " or by a test), or since when its machine is silent; for those who may write to a"
        " repository with databases on it"
    )
    public_address: AddressShown | None = Field(
        description="For those who may write to a repository with databases on it"
    )
    pooler_address: AddressShown | None
    pooler_knows_job_logins: bool
    plain_passwords: bool = Field(description="Whether the server is told passwords in plain")
    ca_certificate: str | None
    host: str | None = Field(
        description="The machine that a provisioned one stands on; for operators and the owner only"
    )
    apps: list[str]
    databases: int
    limits: Limits
    connections: ConnectionsShown | None = Field(
        description="Null: its server was not measured so far"
    )
    over_limit: str | None = Field(
        description="Where all databases together are past their limit; for the same people"
    )
    owner: str | None = Field(description="Login of the account that claimed it")
    administration: AdministrationShown | None = Field(
        description="For operators and the owner only"
    )

    @classmethod
    def of(cls, one: InstanceOverview, *, is_steward: bool, may_connect: bool) -> "InstanceShown":
        instance, admin = one.instance, one.instance.admin
        public, pooler = instance.public_address, instance.pooler_address
        room = one.measurement.room if one.measurement else None
        administration = AdministrationShown(
            host=admin.address.host, port=admin.address.port, user=admin.user
        )
        return cls(
            name=instance.name,
            kind=instance.kind,
            status=one.status,
            problem=(one.unreachable or one.failure) if may_connect else None,
            public_address=AddressShown.of(public) if may_connect else None,
            pooler_address=AddressShown.of(pooler) if pooler and may_connect else None,
            pooler_knows_job_logins=instance.pooler_knows_job_logins,
            plain_passwords=instance.has_plain_passwords,
            ca_certificate=public.ca_certificate if may_connect else None,
            host=one.host.name if one.host and is_steward else None,
            apps=[each.app.id for each in one.apps],
            databases=len(one.databases),
            limits=one.limits,
            connections=ConnectionsShown.of(one.limits, room=room) if room is not None else None,
            over_limit=one.over_limit if may_connect else None,
            owner=one.owner,
            administration=administration if is_steward else None,
        )


class InstanceProvisioned(InstanceShown):
    """A new server, and what it needs next."""

    looked_after: bool = Field(description="Whether a `serve` keeps it running now")
    github_connected: bool = Field(description="Whether there is a GitHub App")


class InstanceTested(InstanceShown):
    """A server as it is stored now, and what the test before that found."""

    test: ServerTest
    github_connected: bool = Field(description="Whether there is a GitHub App")


class HowToDeleteInstance(Query):
    """Whether its machine can still do it."""

    lost: bool = Field(
        default=False,
        description="Its machine is gone for good: forget it and remove nothing; for operators",
    )


class InstanceList(BaseModel):
    """By name."""

    items: list[InstanceShown]
