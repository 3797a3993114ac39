"""What an app's rules say beside its migration command, for its page: what differs from usual."""

from dataclasses import dataclass
from typing import Any

from app.core.assignments import RULES, Policies
from app.core.rules import Rule


@dataclass(frozen=True, slots=True)
class Fact:
    """A rule: code (commands, names, patterns), then words."""

    label: str
    words: str = ""
    code: tuple[str, ...] = ()


def unusual(policies: Policies) -> tuple[Fact, ...]:
    """The rules that are not the defaults, in the order of the form that edits them.

    A seed command is told with whether production is seeded too.
    """
    found = {rule.name: _fact(rule, getattr(policies, rule.name)) for rule in RULES}
    if policies.seed_command and found.pop("seed_production"):
        found["seed_command"] = Fact("Seed", "production too", (policies.seed_command,))
    return tuple(fact for fact in found.values() if fact)


def _fact(rule: Rule, value: Any) -> Fact | None:
    if value == rule.default:
        return None
    label = rule.fact or rule.label
    if not isinstance(rule.told, str):
        return Fact(label, rule.told[value])
    code = value if rule.kind is tuple else (value,) if rule.kind is str else ()
    return Fact(label, rule.told, code)
