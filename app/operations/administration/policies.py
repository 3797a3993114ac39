"""Whether an assignment's rules can be meant and kept, looked at before it is stored."""

import difflib
import re
from collections.abc import Collection

from app.core.assignments import Policies
from app.core.errors import Invalid, TransientError
from app.core.instances import Instance
from app.operations.services import Services

# owner/repo/.github/workflows/file.yml@<commit>: a branch or tag there could be moved.
_WORKFLOW = re.compile(r"[\w.-]+/[\w.-]+/[^@\s]+@[0-9a-f]{40}")

MOST_PATTERNS, MOST_LETTERS = 100, 255


class ExtensionsUnknown(TransientError):
    """The server cannot be asked what it has."""

    code = "extensions_unknown"


def check_policies(policies: Policies) -> None:
    """Raise Invalid for what cannot be meant."""
    for workflow in policies.allowed_workflows:
        if not _WORKFLOW.fullmatch(workflow):
            raise Invalid(
                f"{workflow!r} does not name one version of a reusable workflow.",
                advice="Write it as owner/repo/.github/workflows/file.yml@<40 digits of a commit>.",
            )
    if any(not pattern for pattern in policies.ignore_patterns):
        raise Invalid("An ignore pattern is empty.")
    # Each is read for each branch, in every process: nobody may make that slow for all.
    longest = max(map(len, policies.ignore_patterns), default=0)
    if longest > MOST_LETTERS or len(policies.ignore_patterns) > MOST_PATTERNS:
        raise Invalid(
            f"There may be {MOST_PATTERNS} ignore patterns of {MOST_LETTERS} letters each.",
            advice="One pattern with * or ** stands for many branches.",
        )


def check_extensions(services: Services, instance: Instance, wanted: Collection[str]) -> None:
    """Raise Invalid with the extensions that the instance's server does not have.

    Asks nothing if none is wanted, nor a server on another machine: the first database tells then.
    Raises ExtensionsUnknown when the server does not answer.
    """
    if not wanted or not services.hosts.is_here(instance):
        return
    try:
        known = services.server_for(instance).extensions()
    except TransientError as error:
        raise ExtensionsUnknown(
            f"Whether {instance.name} has the extensions cannot be checked: {error}",
            advice=f"{error.advice} Then try again, or leave the extension out for now.",
        ) from error
    if lacking := [name for name in wanted if name not in known]:
        raise Invalid(
            f"The server of {instance.name} does not have the extension"
            f"{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}.",
            advice=_advice(lacking, known),
            code="extension_missing",
        )


def _advice(lacking: Collection[str], known: Collection[str]) -> str:
    close = [difflib.get_close_matches(name, known, n=1) for name in lacking]
    meant = ", ".join(match for found in close for match in found)
    install = "Install it on the server first; pg_available_extensions lists what it has."
    return f"Did you mean {meant}? {install}" if meant else install
