"""Whether an assignment's rules can be meant and kept, looked at before it is stored."""

import difflib
import re
from collections.abc import Collection

from app.core import thresholds
from app.core.assignments import AMOUNT, MOST_LETTERS, MOST_PATTERNS, RULES, TIME, Policies
from app.core.errors import Invalid, TransientError
from app.core.extensions import check_schemas, parse_all, with_requirements
from app.core.hosts import OnAnotherHost
from app.core.instances import Instance, InstanceKind
from app.core.rules import Rule
from app.operations.services import Services

# owner/repo/.github/workflows/file.yml@<commit>: a branch or tag there could be moved.
_WORKFLOW = re.compile(r"[\w.-]+/[\w.-]+/[^@\s]+@[0-9a-f]{40}")

# As PostgreSQL takes it; a day is more than any run lasts, and far below the largest it takes.
# https://www.postgresql.org/docs/current/config-setting.html#CONFIG-SETTING-NAMES-VALUES
_TIME = re.compile(r"([1-9][0-9]{0,8})(ms|s|min|h)")
_MILLISECONDS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000}
_LONGEST_TIME = 24 * _MILLISECONDS["h"]


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
    parse_all(policies.extensions)
    if any(not pattern for pattern in policies.ignore_patterns):
        raise Invalid("An ignore pattern is empty.")
    # Each is read for each branch, in every process: nobody may make that slow for all.
    longest = max(map(len, policies.ignore_patterns), default=0)
    if longest > MOST_LETTERS or len(policies.ignore_patterns) > MOST_PATTERNS:
        raise Invalid(
            f"There may be {MOST_PATTERNS} ignore patterns of {MOST_LETTERS} letters each.",
            advice="One pattern with * or ** stands for many branches.",
        )
    for rule in RULES:
        if rule.metavar == TIME:
            _check_time(rule, getattr(policies, rule.name))
        if rule.metavar == AMOUNT:
            thresholds.parse(getattr(policies, rule.name))


def _check_time(rule: Rule, text: str) -> None:
    match = _TIME.fullmatch(text)
    if text and not (match and int(match[1]) * _MILLISECONDS[match[2]] <= _LONGEST_TIME):
        raise Invalid(
            f"{text!r} is no time for {rule.option}.",
            advice="Write a whole number with ms, s, min or h, as in 30s; a day at most. Leave it"
            " empty for none.",
        )


def check_extensions(services: Services, instance: Instance, texts: Collection[str]) -> None:
    """Raise Invalid with the extensions that the instance's server does not have, or may not make.

    Asks nothing if none is wanted. Raises OnAnotherHost for a server that cannot be asked from
    here, ExtensionsUnknown when it does not answer.
    """
    if not texts:
        return
    if not services.store.hosts.is_here(instance):
        raise OnAnotherHost(instance, services.store.hosts.of(instance))
    asked = parse_all(texts)
    try:
        known = {one.name: one for one in services.server_for(instance).extensions()}
    except TransientError as error:
        raise ExtensionsUnknown(
            f"Whether {instance.name} has the extensions cannot be checked: {error}",
            advice=f"{error.advice} Then try again, or leave the extension out for now.",
        ) from error
    wanted = with_requirements(asked, known)
    if lacking := [one.name for one in wanted if one.name not in known]:
        raise Invalid(
            f"The server of {instance.name} does not have the extension{_s(lacking)}"
            f" {', '.join(lacking)}.",
            advice=_advice(lacking, known, instance),
            code="extension_missing",
        )
    check_schemas(wanted, known)
    _check_owned(instance, [one.name for one in wanted if not known[one.name].is_trusted])


def _check_owned(instance: Instance, names: Collection[str]) -> None:
    """Of a server of our own it is known who may make what; of others their own rules decide."""
    if names and instance.kind is InstanceKind.PROVISIONED:
        raise Invalid(
            f"Coppice makes the extension{_s(names)} {', '.join(names)} on no server of its own.",
            advice="What only superusers may make can reach beyond one database: files, the"
            " network, other tenants. Link a server of yours for apps that need it.",
            code="extension_refused",
        )


def _advice(lacking: Collection[str], known: Collection[str], instance: Instance) -> str:
    close = [difflib.get_close_matches(name, known, n=1) for name in lacking]
    meant = ", ".join(match for found in close for match in found)
    install = (
        "The PostgreSQL that comes with Coppice has no more than it has: start the service with"
        " COPPICE_POSTGRES_BIN, the folder of PostgreSQL programs that have it"
        " (docs/operating.md, Extensions)."
        if instance.kind is InstanceKind.PROVISIONED
        else "Install it on the server first; pg_available_extensions lists what it has."
    )
    return f"Did you mean {meant}? {install}" if meant else install


def _s(names: Collection[str]) -> str:
    return "s" if len(names) > 1 else ""
