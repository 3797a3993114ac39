"""Requests and answers of the API for instances."""

from typing import Literal

from pydantic import BaseModel, Field

from app.core.connections import connections
from app.core.instances import Address, SslMode
from app.core.limits import Limits
from app.operations.administration.instance_overviews import InstanceOverview
from app.operations.administration.instance_requests import (
    LOOPBACK,
    InstanceChanges,
    LinkRequest,
    Pooler,
    ProvisionRequest,
)
from app.web.api.shapes import Answer, Request, Text

NAME = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"
SslModeName = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]
_URL_EXAMPLE = "postgresql://admin:password@db.internal:5432/postgres"


class OfInstance(BaseModel):
    """An instance by its name."""

    instance: str = Field(pattern=NAME)


class OfFinding(OfInstance):
    """What was found on an instance, by its code."""

    code: str = Field(pattern=r"^[a-z_]{1,40}$", description="As in `findings` of its health")


class ProvisionInstance(Request):
    """A PostgreSQL server of Coppice's own, on the service's machine."""

    name: str = Field(pattern=NAME, examples=["local"])
    listen: Text = Field(LOOPBACK, max_length=253)
    port: int | None = Field(None, ge=1, le=65535, description="Absent: a free one")
    public_host: Text | None = Field(
        None, max_length=253, description="What runners are told; needed unless on loopback"
    )
    insecure_network: bool = Field(default=False, description="Accept unencrypted connections")

    def to_request(self) -> ProvisionRequest:
        return ProvisionRequest(**self.model_dump())


class PoolerGiven(Request):
    """A connection pooler in front of the server."""

    host: Text = Field(min_length=1, max_length=253)
    port: int = Field(ge=1, le=65535)
    knows_job_logins: bool = False

    def to_pooler(self) -> Pooler:
        return Pooler(host=self.host, port=self.port, knows_job_logins=self.knows_job_logins)


class LinkInstance(Request):
    """An existing PostgreSQL server. What is absent follows the URL."""

    name: str = Field(pattern=NAME, examples=["main"])
    url: Text = Field(min_length=1, max_length=2000, examples=[_URL_EXAMPLE])
    public_host: Text | None = Field(None, max_length=253)
    public_port: int | None = Field(None, ge=1, le=65535)
    public_sslmode: SslModeName | None = None
    ca_certificate: Text | None = Field(None, max_length=400_000, description="PEM")
    pooler: PoolerGiven | None = None
    plain_passwords: bool = Field(
        default=False,
        description="Tell the server passwords in plain, where it takes none that were hashed"
        " beforehand; needs a connection whose certificate is checked. They may stand in its logs",
    )

    def to_request(self) -> LinkRequest:
        return LinkRequest(
            name=self.name,
            url=self.url,
            public_host=self.public_host,
            public_port=self.public_port,
            public_sslmode=SslMode(self.public_sslmode) if self.public_sslmode else None,
            ca_certificate=self.ca_certificate,
            pooler=self.pooler.to_pooler() if self.pooler else None,
            has_plain_passwords=self.plain_passwords,
        )


class EditInstance(Request):
    """What to change; what is absent stays."""

    url: Text | None = Field(None, min_length=1, max_length=2000, examples=[_URL_EXAMPLE])
    public_host: Text | None = Field(None, max_length=253)
    public_port: int | None = Field(None, ge=1, le=65535)
    public_sslmode: SslModeName | None = None
    ca_certificate: Text | None = Field(None, max_length=400_000, description="Empty: forget it")
    pooler: PoolerGiven | None = None
    without_pooler: bool = False
    without_plain_passwords: bool = Field(
        default=False, description="The server takes hashed ones by now; that is tried first"
    )

    def to_changes(self) -> InstanceChanges:
        return InstanceChanges(
            url=self.url,
            public_host=self.public_host,
            public_port=self.public_port,
            public_sslmode=SslMode(self.public_sslmode) if self.public_sslmode else None,
            ca_certificate=self.ca_certificate,
            pooler=self.pooler.to_pooler() if self.pooler else None,
            without_pooler=self.without_pooler,
            without_plain_passwords=self.without_plain_passwords,
        )


class AddressShown(BaseModel):
    """Where runners and applications connect."""

    host: str
    port: int
    sslmode: str

    @classmethod
    def of(cls, address: Address) -> "AddressShown":
        return cls(host=address.host, port=address.port, sslmode=address.sslmode)


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
        administration = AdministrationShown(
            host=admin.address.host, port=admin.address.port, user=admin.user
        )
        return cls(
            name=instance.name,
            kind=instance.kind,
            status=one.status,
            problem=one.problem if may_connect else None,
            public_address=AddressShown.of(public) if may_connect else None,
            pooler_address=AddressShown.of(pooler) if pooler and may_connect else None,
            pooler_knows_job_logins=instance.pooler_knows_job_logins,
            plain_passwords=instance.has_plain_passwords,
            ca_certificate=public.ca_certificate if may_connect else None,
            host=one.host.name if one.host and is_steward else None,
            apps=list(one.app_ids),
            databases=len(one.databases),
            limits=one.limits,
            connections=None
            if one.room is None
            else ConnectionsShown.of(one.limits, room=one.room),
            over_limit=one.over_limit if may_connect else None,
            owner=one.owner,
            administration=administration if is_steward else None,
        )


class InstanceList(BaseModel):
    """By name."""

    items: list[InstanceShown]
