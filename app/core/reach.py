"""From where a server can be reached, and what to do so that others reach one too."""

import ipaddress

from app.core.addresses import is_loopback
from app.core.instances import Instance, InstanceKind


def is_for_this_machine_only(instance: Instance) -> bool:
    """Whether runners are told an address that means themselves on any other machine."""
    return is_loopback(instance.public_address.host)


def is_for_its_network_only(instance: Instance) -> bool:
    """Whether runners are told an address of a private network, where GitHub's hosted ones are not.

    Of a name nobody knows from here what it means to others.
    """
    host = instance.public_address.host
    try:
        return ipaddress.ip_address(host).is_private and not is_loopback(host)
    except ValueError:
        return False


def obstacle(instance: Instance) -> str | None:
    """Which runners do not reach the instance's server, for people; None: none that is known."""
    host = instance.public_address.host
    if is_for_this_machine_only(instance):
        return (
            f"Only runners on the server's own machine reach it, for they are told {host}."
            " GitHub's hosted runners do not."
        )
    if is_for_its_network_only(instance):
        return (
            f"{host} is an address of a private network: runners in it reach the server, GitHub's"
            " hosted runners do not."
        )
    return None


def way_for_others(instance: Instance) -> str:
    """What helps runners on other machines; a server that listens on loopback needs a successor."""
    if instance.kind is not InstanceKind.PROVISIONED:
        return (
            "Right for runners on this machine. If the server listens for others too:"
            f" coppice instances edit {instance.name} --public-host HOST"
        )
    return (
        "Right for runners on this machine. For others link a server that they reach (coppice"
        " instances link), or provision another that listens for them: coppice instances"
        " provision NAME --listen ADDRESS --public-host HOST"
    )


def pooler_is_away(instance: Instance) -> tuple[str, str] | None:
    """What it means that the instance's pooler does not answer, and what to do; None: has none."""
    pooler = instance.pooler_address
    if pooler is None:
        return None
    return (
        f"its pooler {pooler.host}:{pooler.port} does not answer from here: runs and applications"
        " get no DATABASE_URL_POOLED",
        f"Start the pooler, or do without it: coppice instances edit {instance.name} --no-pooler",
    )
