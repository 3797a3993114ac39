"""What operations ask of the state database about the machines that Coppice runs on."""

from collections.abc import Collection, Mapping
from typing import Protocol

from app.core.hosts import Host
from app.core.identifiers import HostId, InstanceId
from app.core.instances import Instance


class Hosts(Protocol):
    """Machines with a data directory. Each method is one transaction."""

    @property
    def here(self) -> HostId:
        """The machine of this process."""

    @property
    def name(self) -> str:
        """What that calls itself, and its data directory: see `Host`."""

    def is_here(self, instance: Instance) -> bool:
        """Whether its server can be reached from here: it is linked, or stands on this machine."""

    def claim(self) -> None:
        """See that no other place has the id of this machine, and store what it is called.

        Raises TwinHost when another one gave a sign of life in the last half minute.
        """

    def sign(self) -> None:
        """A worker of this machine gives a sign of life. Raises TwinHost as `claim`."""

    def release(self) -> None:
        """No worker works here any more: who has this id next need not wait for silence."""

    def adopt(self, instance_ids: Collection[InstanceId]) -> None:
        """Provisioned instances of which no machine is known are this one's from now on."""

    def of(self, instance: Instance) -> Host | None:
        """The machine that a provisioned instance stands on."""

    def known(self) -> Mapping[HostId, Host]:
        """All that were ever heard of."""
