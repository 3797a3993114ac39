"""The command by which somebody accepts what was found about a server."""

from typing import Annotated

import typer

from app.cli.addresses import Name
from app.cli.client import path_of
from app.cli.output import say
from app.cli.target import open_client
from app.cli.which import instance_path


def add_to(group: typer.Typer) -> None:
    group.command()(acknowledge)


def acknowledge(
    name: Name,
    code: Annotated[
        str,
        typer.Argument(metavar="CODE", help="Of the finding, as `coppice instances show` has it."),
    ],
    *,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Accept it no longer, whoever did.")
    ] = False,
) -> None:
    """Accept a finding about a server: it is shown as accepted, with who and when.

    It comes back as soon as it says something else. What prevents work cannot be accepted.
    """
    accepted = f"{instance_path(name)}{path_of('acknowledgements', code)}"
    with open_client() as client:
        if withdraw:
            client.delete(accepted)
            say(f"{code} on {name} is accepted no longer.")
            return
        client.put(accepted)
        found = client.get(f"{instance_path(name)}/health")["findings"]
    for one in found:
        if one["code"] == code:
            say(f"Accepted on {name}: {one['message']}")
