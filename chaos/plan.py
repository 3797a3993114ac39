"""The plan: who does what and when, from the seed and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that one actor does."""

    at_seconds: float
    deed: str
    seed: str
    """For what the deed itself draws, so that it takes nothing from the steps after it."""


def plan(
    seed: int, actor: str, *, weights: Mapping[str, int], seconds: float, pause_seconds: float
) -> list[Step]:
    """What an actor does: deeds in proportion to their weights, with pauses of about this length.

    A longer plan begins like a shorter one.
    """
    draw = Random(f"{seed} {actor}")
    names, counts = list(weights), list(weights.values())
    steps: list[Step] = []
    at = draw.uniform(0, pause_seconds)
    while at < seconds:
        [deed] = draw.choices(names, counts)
        steps.append(Step(at_seconds=at, deed=deed, seed=f"{seed} {actor} {len(steps)}"))
        at += draw.uniform(0.3, 1.7) * pause_seconds
    return steps
