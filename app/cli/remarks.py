"""What a person should know beside that a command worked."""

from collections.abc import Mapping
from typing import Any

from app.cli.output import remark, say
from app.cli.rows import by_whom
from app.cli.which import Which
from app.core.addresses import is_loopback
from app.core.findings import Outcome
from app.core.github_app import way_to_connect
from app.core.instances import Instance, InstanceKind, InstanceStatus, SslMode
from app.core.reach import is_for_this_machine_only, obstacle, pooler_is_away, way_for_others
from app.machine.reach import answers
from app.operations import typed


def remark_on_findings(test: Mapping[str, Any]) -> None:
    """What a test found and, where it was tried, what became of that."""
    for finding in test["findings"]:
        if finding["acknowledged"] is not None:
            remark(f"Accepted {by_whom(finding['acknowledged'])}: {finding['message']}")
            continue
        kind = "Missing" if finding["prevents_use"] else "Note"
        remark(f"{kind}: {finding['message']} {finding['advice']}")
    skipped = [one["words"] for one in test["tried"] if one["outcome"] == Outcome.SKIPPED]
    if skipped:
        remark(f"Not tried, because of what is missing: to {'; to '.join(skipped)}.")


def remark_on_reach(instance: Instance) -> None:
    public = instance.public_address
    if public.sslmode is SslMode.DISABLE and not is_loopback(public.host):
        remark(f"Note: connections to {public.host} are not encrypted. {_way_to_encrypt(instance)}")
    reach = obstacle(instance)
    if reach is not None:
        way = f" {way_for_others(instance)}" if is_for_this_machine_only(instance) else ""
        remark(f"Note: {reach}{way}")


def remark_on_next(instance: str, *, public_url: str, is_connected: bool) -> None:
    """What follows once there is a server."""
    assign = f"coppice apps assign OWNER/REPO {instance}"
    if is_connected:
        remark(f"Next: {assign}")
    else:
        remark(f"Next, connect GitHub. {way_to_connect(public_url)} Then: {assign}")


def remark_on_pooler(instance: Instance) -> None:
    pooler, away = instance.pooler_address, pooler_is_away(instance)
    if pooler is not None and away is not None and not answers(pooler):
        words, advice = away
        remark(f"Note: {words}. {advice}")


def remark_on_silence(view: Mapping[str, Any]) -> bool:
    """Say that the machine of an instance is silent, if it is; returns whether."""
    is_silent = bool(view["status"] == InstanceStatus.UNREACHABLE)
    if is_silent:
        remark(f"Note: {view['name']} is not to be reached now. {view['problem']}")
    return is_silent


def _way_to_encrypt(instance: Instance) -> str:
    if instance.kind is InstanceKind.PROVISIONED:
        return (
            "Right on a network that you trust. For others provision with PostgreSQL programs that"
            " have TLS (COPPICE_POSTGRES_BIN), without --insecure-network."
        )
    return (
        "Right on a network that you trust. For others turn on ssl at the server, then:"
        f" coppice instances edit {instance.name} --public-sslmode verify-full (with --ca-file for"
        " a CA of your own)"
    )


def remark_on_new_dev(
    name: str, which: Which, *, has_command: bool, last_command: str = ""
) -> None:
    """No run reaches the database for local work, so none migrates and seeds it."""
    way = typed.migrate(
        which.name, app_id=which.app_id, has_command=has_command, last_command=last_command
    )
    remark(f"{name} is new and empty. To migrate and seed it: {way}")


def show_workflow(workflow: Mapping[str, Any]) -> None:
    """The whole file, and what the workflows of the repository's other apps have to do with it."""
    if workflow["remark"] is not None:
        remark(workflow["remark"])
    remark(f"Its workflow goes into the repository, as {workflow['path']}:")
    say(workflow["text"])
