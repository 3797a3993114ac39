"""From where a server can be reached, and what to do so that others reach one too."""

from app.core.addresses import is_loopback
from app.core.instances import Instance, InstanceKind


def is_for_this_machine_only(instance: Instance) -> bool:
    """Whether runners are told an address that means themselves on any other machine."""
    return is_loopback(instance.public_address.host)


def way_for_others(instance: Instance) -> str:
    """What helps runners on other machines; a server that listens on loopback needs a successor."""
    if instance.kind is InstanceKind.LINKED:
        return (
            "Right for runners on this machine. If the server listens for others too:"
            f" coppice instances edit {instance.name} --public-host HOST"
        )
    return (
        "Right for runners on this machine. For others link a server that they reach (coppice"
        " instances link), or provision another that listens for them: coppice instances"
        " provision NAME --listen ADDRESS --public-host HOST"
    )
