"""Hosts: machines with a data directory, on which provisioned instances stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.addresses import is_loopback
from app.core.amounts import listed
from app.core.errors import Conflict, CoppiceError
from app.core.identifiers import HostId
from app.core.instances import Instance, InstanceKind, ServerHere

SILENT = timedelta(seconds=30)
"""Longer than a worker is away when it is replaced."""
_MOST_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine as it was last heard of."""

    id: HostId
    name: str
    """What the machine calls itself, and the data directory: `db1:/srv/coppice`."""
    seen_at: datetime
    """When a worker there last gave a sign of life."""
    is_silent: bool
    """Whether that is so long ago that nobody there can be counted on."""

    def since(self) -> str:
        """When it was last heard of, for a person."""
        return f"{self.seen_at:%Y-%m-%d %H:%M:%S} UTC"


class NotHere(CoppiceError):
    """A server is not to be used from here, and nothing is said against it.

    Whoever gets this changes no state by it. A worker hands the job on to the machine that can do
    it, or waits until one is known.
    """

    http_status = 409
    host: HostId | None = None


class OnAnotherHost(NotHere):
    """The server stands on another machine, and only Coppice there can do this."""

    code = "on_another_host"

    def __init__(self, instance: Instance, host: Host | None) -> None:
        super().__init__(where(instance, host), advice=_advice(host))
        self.host = instance.host


class TwinHost(NotHere):
    """Two data directories have the same `host-id`: one was copied from the other."""

    code = "twin_host"
    advice = (
        "If this data directory is a copy of the other one, delete the file host-id in it: it is a"
        " machine of its own then, and has no servers. If it was moved here, stop Coppice at the"
        " other place and wait half a minute."
    )

    def __init__(self, other: Host) -> None:
        super().__init__(
            f"Coppice works with this data directory's host-id at another place: {other.name} gave"
            f" a sign of life at {other.since()}."
        )


class NotLookedAfter(Conflict):
    """A server was to be made where nothing of Coppice would keep it running."""

    code = "not_looked_after"
    advice = (
        "Start `coppice worker` beside this web server first, with its data directory; or make the"
        " server on a machine where Coppice works, with the command line there"
        " (`coppice instances provision`)."
    )

    def __init__(self, here: str, others: Sequence[str]) -> None:
        super().__init__(
            f"Coppice works on {listed(others, most=_MOST_LISTED)}, and neither `coppice serve` nor"
            f" `coppice worker` on {here}: nothing would keep a server running that is made there."
        )


def silent_host(instance: Instance, hosts: Mapping[HostId, Host], *, here: HostId) -> Host | None:
    """The machine of an instance that cannot be reached because it is silent; None: it can be.

    Whoever asks on that very machine needs no worker of it to reach the server.
    """
    host = hosts.get(instance.host) if instance.host else None
    return host if host is not None and host.is_silent and host.id != here else None


def may_be_its_server(
    instance: Instance, host: Host | None, identifier: str | None, server: ServerHere
) -> bool:
    """Whether the databases of an instance may be on a server that was found on this machine.

    Args:
        host: The machine that it stands on; None: it is linked, or nobody knows.
        identifier: That of its cluster, when it was last measured; None: nobody knows.
    """
    is_linked = instance.kind is not InstanceKind.PROVISIONED
    if not is_linked and host is not None and not host.is_silent:
        return False
    if identifier is not None:
        return identifier == server.system_identifier
    address = instance.admin.address
    if is_linked:
        return address.port == server.port and is_loopback(address.host)
    return instance.name == server.name


def where(instance: Instance, host: Host | None) -> str:
    """On which machine an instance's server stands, and since when nobody there answers."""
    if host is None:
        return f"No machine has said that the server of {instance.name} stands on it."
    silence = f", which gave its last sign of life at {host.since()}" if host.is_silent else ""
    return f"The server of {instance.name} stands on the machine {host.name}{silence}."


def unreachable(host: Host) -> str:
    """What is said of an instance whose machine is silent."""
    return (
        f"Unreachable since {host.since()}: its machine, {host.name}, gives no sign of life."
        " Its databases keep their state."
    )


def _advice(host: Host | None) -> str:
    if host is None:
        return "Start `coppice serve` on the machine that has it in its data directory."
    if host.is_silent:
        return f"Start `coppice serve` (or `coppice worker`) on {host.name}."
    return f"Do this on {host.name}, with Coppice's command line there."
