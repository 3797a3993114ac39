"""Commands about what an instance allows, and about handing it over."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer

from app.cli.addresses import Name
from app.cli.output import remark, say
from app.cli.sides import open_here
from app.core import connections as core_connections
from app.core.limits import NO_LIMITS, Limits, parse_size
from app.operations.administration import claims, limits

NONE = "none"

Databases = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", help="How many databases; deleted ones do not count."),
]
DatabaseSize = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="How large each may get, 16MB at least; seen every 10 min."),
]
TotalSize = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="How large all may get; then no other is made."),
]
Connections = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER",
        help="Connections of each login at once, a job's too; default 40. A server gives"
        " one login half of what it has at most.",
    ),
]
Freeze = Annotated[
    bool | None,
    typer.Option(
        help="Let nobody into a database that is too large, production too, until there is space;"
        " else it is only reported."
    ),
]


def add_to(group: typer.Typer) -> None:
    group.command()(limit)
    group.command()(offer)


def limit(  # noqa: PLR0913 - the options that people type
    name: Name,
    *,
    databases: Databases = None,
    database_size: DatabaseSize = None,
    total_size: TotalSize = None,
    connections: Connections = None,
    freeze: Freeze = None,
) -> None:
    """Limit what is on an instance; what is not given stays, `none` takes a limit away.

    A limit never removes a database or anything in it. With --freeze one that is too large is
    closed, production too, until there is space; otherwise it stays open and is reported.
    """
    with open_here() as session:
        instance = session.services.instances.named(name)
        changed = _changed(
            session.services.limits.of(instance.id),
            databases=databases,
            database_size=database_size,
            total_size=total_size,
            connections=connections,
            freeze=freeze,
        )
        exceeded = limits.set_limits(session.services, instance, changed)
        measured = session.services.measurements.of_instance(instance.id)
    say(f"{name}: {limits.described(changed)}.")
    room = measured.room if measured else None
    remark(f"Connections: {core_connections.described(changed.connections, room=room)}.")
    for one in exceeded:
        remark(f"Exceeded already: {one.words} {one.advice}")


def offer(  # noqa: PLR0913 - the options that people type
    name: Name,
    *,
    days: Annotated[int, typer.Option(min=1, max=30, help="How long the link is valid.")] = 7,
    databases: Databases = None,
    database_size: DatabaseSize = None,
    total_size: TotalSize = None,
    connections: Connections = None,
    freeze: Freeze = None,
) -> None:
    """Print a link by which somebody takes a provisioned instance over; it works once.

    Whoever follows it must be admin of a repository that has its databases there. They become the
    owner, these limits hold instead of the present ones, and all passwords are replaced.
    """
    plan = _changed(
        NO_LIMITS,
        databases=databases,
        database_size=database_size,
        total_size=total_size,
        connections=connections,
        freeze=freeze,
    )
    with open_here() as session:
        instance = session.services.instances.named(name)
        link = claims.offer(session.services, instance, plan=plan, valid=timedelta(days=days))
    say(link)
    remark(f"Valid once, for {days} days. Then it has: {limits.described(plan)}.")


def _changed(  # noqa: PLR0913 - one for each option
    present: Limits,
    *,
    databases: str | None,
    database_size: str | None,
    total_size: str | None,
    connections: str | None,
    freeze: bool | None,
) -> Limits:
    database_bytes = _size(database_size, present.database_bytes)
    if freeze is None:
        freeze = present.freezes and database_bytes is not None
    return replace(
        present,
        databases=_number(databases, present.databases),
        database_bytes=database_bytes,
        total_bytes=_size(total_size, present.total_bytes),
        connections=_number(connections, present.connections),
        freezes=freeze,
    )


def _number(text: str | None, present: int | None) -> int | None:
    if text is None:
        return present
    if text == NONE:
        return None
    if not text.isascii() or not text.isdigit():
        raise typer.BadParameter(f"{text!r} is not a whole number; `{NONE}` takes a limit away.")
    return int(text)


def _size(text: str | None, present: int | None) -> int | None:
    if text is None:
        return present
    return None if text == NONE else parse_size(text)
