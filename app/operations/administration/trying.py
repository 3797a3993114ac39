"""Trying what a server allows by doing it, when it is linked, tested or its address changes."""

from collections.abc import Sequence
from dataclasses import replace

from app import patience
from app.core.addresses import is_verified
from app.core.errors import Conflict, Invalid
from app.core.findings import Finding, ServerReport
from app.core.instances import Instance
from app.operations.services import Services

# A person waits for it, and knows. Managed services take seconds to make a database.
TRY_SECONDS = 30.0


class NotUsable(Conflict):
    """The server lacks what Coppice needs; the message lists exactly what."""

    code = "server_not_usable"
    advice = "Mend this on the server, then try again."

    def __init__(self, findings: Sequence[Finding]) -> None:
        lines = [f"- {finding.message} {finding.advice}" for finding in findings]
        super().__init__("\n".join(["The server cannot be used:", *lines]))


def usable(report: ServerReport) -> ServerReport:
    """The report. Raises NotUsable with what is missing."""
    if not report.is_usable:
        raise NotUsable([finding for finding in report.findings if finding.is_fatal])
    return report


def tried(services: Services, instance: Instance, report: ServerReport) -> ServerReport:
    """The report with what a try found; nothing is tried on a server that cannot be used as it is.

    What killed tries left there is cleared away first.
    """
    if not report.is_usable:
        return report
    server = services.server_for(instance)
    with patience.longer(databases_seconds=TRY_SECONDS):
        server.sweep_trials()
        steps = tuple(server.try_out())
    found = [step.finding for step in steps if step.finding is not None]
    findings = sorted((*found, *report.findings), key=lambda one: not one.is_fatal)
    return replace(report, findings=tuple(findings), tried=steps)


def check_plain_passwords(instance: Instance) -> None:
    """Raise Invalid where passwords must not be sent in plain: whoever sits in between reads them.

    Encryption alone keeps nobody from sitting there.
    """
    if instance.has_plain_passwords and not is_verified(instance.admin.address):
        raise Invalid(
            "Passwords go in plain over a connection whose certificate is checked, and over no"
            f" other: this one has sslmode {instance.admin.address.sslmode.value}.",
            advice="Link it with ?sslmode=verify-full at the end of the URL, and with the server's"
            " CA where that is none that everybody knows (--ca-file).",
        )


def check_plain_needed(report: ServerReport) -> None:
    """Raise Conflict if the server takes verifiers, which are always better."""
    if any(finding.code == "plain_not_needed" for finding in report.findings):
        raise Conflict(
            "The server takes passwords that were hashed beforehand: it need not be told any in"
            " plain.",
            advice="Link it with hashed ones (without --plain-passwords).",
        )
