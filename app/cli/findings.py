"""The command by which somebody accepts what was found about a server."""

from typing import Annotated

import typer

from app.cli.addresses import Name
from app.cli.output import say
from app.cli.sides import open_here
from app.operations.administration import acknowledgements


def add_to(group: typer.Typer) -> None:
    group.command()(acknowledge)


def acknowledge(
    name: Name,
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="Of the finding, as `instances show` has it.")
    ],
    *,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Accept it no longer, whoever did.")
    ] = False,
) -> None:
    """Accept a finding about a server: it is shown as accepted, with who and when.

    It comes back as soon as it says something else. What prevents work cannot be accepted.
    """
    with open_here() as session:
        services = session.services
        instance = services.instances.named(name)
        if withdraw:
            acknowledgements.withdraw(services, instance, code)
            say(f"{code} on {name} is accepted no longer.")
            return
        for finding in acknowledgements.acknowledge(services, instance, code):
            say(f"Accepted on {name}: {finding.message}")
