"""What people ask of instances."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge, Le, Len, MaxLen

from app.core.instances import SslMode
from app.core.rules import Described

LOOPBACK = "127.0.0.1"
INSTANCE_NAME = r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"

_AnyPort = Annotated[int | None, Ge(1), Le(65535)]
_AnyHost = Annotated[str | None, MaxLen(253)]
_Url = Described(example="postgresql://admin:password@db.internal:5432/postgres")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionRequest:
    """What a person wants of a new server."""

    name: Annotated[str, Described(pattern=INSTANCE_NAME, example="local")]
    listen: Annotated[str, MaxLen(253)] = LOOPBACK
    port: Annotated[_AnyPort, Described(description="Absent: a free one")] = None
    public_host: Annotated[
        _AnyHost, Described(description="What runners are told; needed unless on loopback")
    ] = None
    insecure_network: Annotated[bool, Described(description="Accept unencrypted connections")] = (
        False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooler:
    """A connection pooler in front of a server."""

    host: Annotated[str, Len(1, 253)]
    port: Annotated[int, Ge(1), Le(65535)]
    knows_job_logins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequest:
    """An existing server. What is None follows the URL."""

    name: Annotated[str, Described(pattern=INSTANCE_NAME, example="main")]
    url: Annotated[str, Len(1, 2000), _Url] = field(repr=False)
    public_host: _AnyHost = None
    public_port: _AnyPort = None
    public_sslmode: SslMode | None = None
    ca_certificate: Annotated[str | None, MaxLen(400_000), Described(description="PEM")] = field(
        default=None, repr=False
    )
    pooler: Pooler | None = None
    plain_passwords: Annotated[
        bool,
        Described(
            description="Tell the server passwords in plain, where it takes none that were hashed"
            " beforehand; needs a connection whose certificate is checked. They may stand in its"
            " logs"
        ),
    ] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceChanges:
    """What to change of an instance; None leaves it as it is."""

    url: Annotated[str | None, Len(1, 2000), _Url] = field(default=None, repr=False)
    public_host: _AnyHost = None
    public_port: _AnyPort = None
    public_sslmode: SslMode | None = None
    ca_certificate: Annotated[
        str | None, MaxLen(400_000), Described(description="Empty: forget it")
    ] = field(default=None, repr=False)
    pooler: Pooler | None = None
    without_pooler: bool = False
    without_plain_passwords: Annotated[
        bool, Described(description="The server takes hashed ones by now; that is tried first")
    ] = False
