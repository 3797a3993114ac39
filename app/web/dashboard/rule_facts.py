"""What an app's rules say beside its migration command, for its page: what differs from usual."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.core.assignments import (
    BotPolicy,
    LogPolicy,
    Policies,
    PreviewFailure,
    PreviewPolicy,
    RunnerPolicy,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A rule: code (commands, names, patterns), then words."""

    label: str
    words: str = ""
    code: tuple[str, ...] = ()


def unusual(policies: Policies) -> tuple[Fact, ...]:
    """The rules that are not the defaults, in the order of the form that edits them."""
    return (*_everywhere(policies), *_production(policies), *_log(policies))


def _everywhere(policies: Policies) -> Iterator[Fact]:
    if policies.seed_command:
        words = "production too" if policies.seed_production else ""
        yield Fact("Seed", words, (policies.seed_command,))
    elif policies.seed_production:
        yield Fact("Seed", "of production too, when the workflow gives a command")
    if policies.ignore_patterns:
        yield Fact("Ignored branches", code=policies.ignore_patterns)
    yield from _preview(policies)
    if policies.extensions:
        yield Fact("Extensions", code=policies.extensions)
    if policies.lock_timeout:
        yield Fact("Locks", "are waited for this long", (policies.lock_timeout,))


def _preview(policies: Policies) -> Iterator[Fact]:
    match policies.preview:
        case PreviewPolicy.SHARED:
            pass
        case PreviewPolicy.DEFAULT_BRANCH:
            yield Fact("Preview", "only the default branch migrates it")
        case PreviewPolicy.OFF:
            yield Fact("Preview", "none")
    if policies.preview_failure is PreviewFailure.KEEP:
        yield Fact("Failed preview", "is kept as it is")


def _production(policies: Policies) -> Iterator[Fact]:
    if policies.production_environment:
        yield Fact(
            "Production",
            "is the GitHub environment that jobs need",
            (policies.production_environment,),
        )
    if policies.runners is RunnerPolicy.GITHUB_HOSTED:
        yield Fact("Runners", "for production GitHub-hosted only")
    match policies.bots:
        case BotPolicy.NO_DEPENDABOT:
            pass
        case BotPolicy.ALL:
            yield Fact("Bots", "all may get production")
        case BotPolicy.NONE:
            yield Fact("Bots", "none may get production")
    if policies.allowed_workflows:
        yield Fact("Reusable workflows", "may get production", policies.allowed_workflows)
    if policies.runtime_production:
        yield Fact("Deploying jobs", "may ask for production's long-lived login")


def _log(policies: Policies) -> Iterator[Fact]:
    if policies.log is LogPolicy.PUBLIC:
        yield Fact("Log", "its end is in check runs of public repositories too")
