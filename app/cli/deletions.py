"""The command that ends an instance, or removes what one left behind."""

from typing import Annotated

import typer

from app.cli.addresses import Name
from app.cli.output import Yes, confirm, remark, say
from app.cli.sides import open_here
from app.core import amounts
from app.core.errors import NotFound
from app.core.instances import Instance, InstanceKind
from app.operations.administration import deletions
from app.operations.services import Services

_MOST_LISTED = 10


def add_to(group: typer.Typer) -> None:
    group.command()(delete)


def delete(
    name: Name,
    *,
    lost: Annotated[
        bool,
        typer.Option(
            "--lost",
            help="Its machine is gone for good: forget it, and remove nothing.",
        ),
    ] = False,
    leftover: Annotated[
        bool,
        typer.Option(
            "--leftover",
            help="Remove the server that an earlier instance of the name left on this machine.",
        ),
    ] = False,
    yes: Yes = False,
) -> None:
    """Delete a provisioned instance with all its data, or forget a linked one."""
    with open_here() as session:
        services, clusters = session.services, session.clusters
        if leftover:
            left = deletions.leftover(services, clusters, name)
            if left is None:
                raise NotFound(
                    f"No earlier instance left a server named {name} on this machine.",
                    advice="`coppice doctor` names those that are left.",
                )
            databases = amounts.listed(left.databases, most=_MOST_LISTED) or "no databases"
            consequence = (
                f"This would remove the server that an earlier instance named {name} left here,"
                f" with ALL ITS DATA for good: {databases}."
            )
            confirm(consequence, name=name, is_confirmed=yes)
            deletions.remove_leftover(services, clusters, name)
            say(f"What was left of {name} is gone.")
            return
        instance = services.instances.named(name)
        deletions.check_machine(services, instance, is_lost=lost)
        host = services.hosts.of(instance)
        machine = host.name if host else "the machine that it was on"
        asked = _loss(name, machine) if lost else _consequence(services, instance)
        confirm(asked, name=name, is_confirmed=yes)
        is_gone = deletions.delete(services, clusters, name, is_lost=lost)
    if lost:
        say(f"Instance {name} is forgotten. Nothing was removed.")
        remark(_by_hand(name, machine))
    elif is_gone:
        say(f"Instance {name} is gone.")
    else:
        remark(f"Instance {name} is deleted by its machine, which has not come to it yet.")


def _loss(name: str, machine: str) -> str:
    return f"This would forget {name} for good, and remove nothing. {_by_hand(name, machine)}"


def _by_hand(name: str, machine: str) -> str:
    return (
        f"Its server and all its data stay on {machine}. Should that come back: end and remove them"
        f" there by hand (coppice instances delete {name} --leftover)."
    )


def _consequence(services: Services, instance: Instance) -> str:
    name = instance.name
    if instance.kind is InstanceKind.LINKED:
        return f"This would forget {name}; its databases would stay on the server."
    kept = [one.name for one in services.databases.all(instance_id=instance.id)]
    databases = amounts.listed(kept, most=_MOST_LISTED) or "no databases"
    host = None if services.hosts.is_here(instance) else services.hosts.of(instance)
    where = f", which stands on the machine {host.name}," if host else ""
    return f"This would remove {name}{where} with ALL ITS DATA for good: {databases}."
