"""Commands about what an instance allows, and about handing it over."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from app.cli.addresses import Name
from app.cli.output import remark, say
from app.cli.rules import options
from app.cli.target import open_client
from app.cli.which import instance_path
from app.core import connections as core_connections
from app.core.limits import LIMITS, NO_LIMITS, SIZE, Limits, parse_size
from app.core.rules import Rule
from app.operations.administration import limits

NONE = "none"


def add_to(group: typer.Typer) -> None:
    group.command()(limit)
    group.command()(offer)


@options(LIMITS)
def limit(name: Name, *, rules: Mapping[str, Any]) -> None:
    """Limit what is on an instance; what is not given stays, `none` takes a limit away.

    A limit never removes a database or anything in it. With --freeze one that is too large is
    closed, production too, until there is space; otherwise it stays open and is reported.
    """
    with open_client() as client:
        view = client.get(instance_path(name))
        changed = _changed(Limits(**view["limits"]), rules)
        answer = client.put(f"{instance_path(name)}/limits", **_given(changed))
    say(f"{name}: {limits.described(changed)}.")
    room = view["connections"]["server"] if view["connections"] else None
    remark(f"Connections: {core_connections.described(changed.connections, room=room)}.")
    for one in answer["exceeded"]:
        remark(f"Exceeded already: {one['words']} {one['advice']}")


@options(LIMITS)
def offer(
    name: Name,
    *,
    days: Annotated[int, typer.Option(min=1, max=30, help="How long the link is valid.")] = 7,
    rules: Mapping[str, Any],
) -> None:
    """Print a link by which somebody takes a provisioned instance over; it works once.

    Whoever follows it must be admin of a repository that has its databases there. They become the
    owner, these limits hold instead of the present ones, and all passwords are replaced.
    """
    plan = _changed(NO_LIMITS, rules)
    with open_client() as client:
        offered = client.post(f"{instance_path(name)}/claim-link", limits=_given(plan), days=days)
    say(offered["link"])
    remark(f"Valid once, for {days} days. Then it has: {limits.described(plan)}.")


def _changed(present: Limits, typed: Mapping[str, Any]) -> Limits:
    after = replace(
        present,
        **{rule.name: _value(rule, typed[rule.name]) for rule in LIMITS if rule.name in typed},
    )
    if "freezes" in typed:
        return after
    return replace(after, freezes=after.freezes and after.database_bytes is not None)


def _given(wanted: Limits) -> dict[str, Any]:
    """As the API takes them. Raises Invalid for what cannot be meant."""
    limits.check(wanted)
    return asdict(wanted)


def _value(rule: Rule, typed: Any) -> Any:
    if rule.kind is bool:
        return typed
    if typed == NONE:
        return None
    if rule.metavar == SIZE:
        return parse_size(typed)
    if not typed.isascii() or not typed.isdigit():
        raise typer.BadParameter(f"{typed!r} is not a whole number; `{NONE}` takes a limit away.")
    return int(typed)
