"""The command that ends an instance, or removes what one left behind."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from app.cli.addresses import Name
from app.cli.client import Client
from app.cli.output import Yes, confirm, remark, say
from app.cli.target import open_client, open_here
from app.cli.which import databases_on, instance_path
from app.core import amounts
from app.core.errors import Conflict, CoppiceError, NotFound
from app.core.instances import InstanceKind, InstanceStatus
from app.core.people import Operate
from app.operations import access
from app.operations.administration import deletions

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
    if leftover:
        _remove_leftover(name, yes=yes)
        return
    with open_client() as client:
        path = instance_path(name)
        view = client.get(path)
        machine = view["host"] or "the machine that it was on"
        if not yes:
            _check_machine(view, is_lost=lost)
        asked = _loss(name, machine) if lost else _consequence(client, view)
        confirm(asked, name=name, is_confirmed=yes)
        client.delete(path, lost="true" if lost else None)
        is_gone = lost or _is_gone(client, path)
    if lost:
        say(f"Instance {name} is forgotten. Nothing was removed.")
        remark(_by_hand(name, machine))
    elif is_gone:
        say(f"Instance {name} is gone.")
    else:
        remark(f"Instance {name} is deleted by its machine, which has not come to it yet.")


def _remove_leftover(name: str, *, yes: bool) -> None:
    """Of this machine alone: nobody else has its files."""
    with open_here() as session:
        operator, clusters = access.service(session.services, Operate), session.clusters
        left = deletions.leftover(operator, clusters, name)
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
        deletions.remove_leftover(operator, clusters, name)
    say(f"What was left of {name} is gone.")


def _check_machine(view: Mapping[str, Any], *, is_lost: bool) -> None:
    """Before a person is asked; the service looks once more. Raises Conflict."""
    is_silent = view["status"] == InstanceStatus.UNREACHABLE
    if is_lost and not is_silent:
        raise Conflict(
            f"The machine of {view['name']} is not lost.",
            advice="Delete it in the ordinary way (without --lost).",
        )
    if is_silent and not is_lost:
        raise Conflict(
            str(view["problem"]),
            advice=f"Start `coppice serve` (or `coppice worker`) on {view['host']}. If that"
            " machine never comes back, forget the instance"
            f" (`coppice instances delete {view['name']} --lost`).",
        )


def _is_gone(client: Client, path: str) -> bool:
    try:
        client.get(path)
    except CoppiceError as error:
        if error.code != NotFound.code:
            raise
        return True
    return False


def _loss(name: str, machine: str) -> str:
    return f"This would forget {name} for good, and remove nothing. {_by_hand(name, machine)}"


def _by_hand(name: str, machine: str) -> str:
    return (
        f"Its server and all its data stay on {machine}. Should that come back: end and remove them"
        f" there by hand (coppice instances delete {name} --leftover)."
    )


def _consequence(client: Client, view: Mapping[str, Any]) -> str:
    name = view["name"]
    if view["kind"] != InstanceKind.PROVISIONED:
        return f"This would forget {name}; its databases would stay on the server."
    kept = [one["name"] for one in databases_on(client, name)]
    databases = amounts.listed(kept, most=_MOST_LISTED) or "no databases"
    host = view["host"]
    where = f", which stands on the machine {host}," if host and host != client.machine else ""
    return f"This would remove {name}{where} with ALL ITS DATA for good: {databases}."
