"""What a person should know about a server beside that a command worked."""

from collections.abc import Sequence

from app.cli.output import remark
from app.core.addresses import is_loopback
from app.core.instances import Instance, InstanceKind, SslMode
from app.core.reach import is_for_this_machine_only, way_for_others
from app.operations.ports.acknowledgements import Acknowledgement, acknowledged, by_whom
from app.operations.ports.postgres import Outcome, ServerReport


def remark_on_findings(report: ServerReport, accepted: Sequence[Acknowledgement] = ()) -> None:
    """What was found and, where it was tried, what became of that."""
    for finding in report.findings:
        known = acknowledged(finding, accepted)
        if known is not None:
            remark(f"Accepted {by_whom(known)}: {finding.message}")
            continue
        kind = "Missing" if finding.is_fatal else "Note"
        remark(f"{kind}: {finding.message} {finding.advice}")
    skipped = [step.words for step in report.tried if step.outcome is Outcome.SKIPPED]
    if skipped:
        remark(f"Not tried, because of what is missing: to {'; to '.join(skipped)}.")


def remark_on_reach(instance: Instance) -> None:
    public = instance.public_address
    if public.sslmode is SslMode.DISABLE and not is_loopback(public.host):
        remark(f"Note: connections to {public.host} are not encrypted. {_way_to_encrypt(instance)}")
    if is_for_this_machine_only(instance):
        remark(f"Note: only this machine reaches it: {public.host}. {way_for_others(instance)}")


def _way_to_encrypt(instance: Instance) -> str:
    if instance.kind is InstanceKind.PROVISIONED:
        return (
            "Right on a network that you trust. For others provision with PostgreSQL programs that"
            " have TLS (COPPICE_POSTGRES_BIN), without --insecure-network."
        )
    return (
        "Right on a network that you trust. For others turn on ssl at the server, then: python -m"
        f" app instances edit {instance.name} --public-sslmode verify-full (with --ca-file for a CA"
        " of your own)"
    )


def remark_on_new_dev(name: str, repository: str, *, has_command: bool) -> None:
    """No run reaches the database for local work, so none migrates and seeds it."""
    way = f"coppice migrate {repository}" + ("" if has_command else " --migration-command '...'")
    remark(f"{name} is new and empty. To migrate and seed it: {way}")
