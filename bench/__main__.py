"""`script/bench`: measures the running service, or with `trace` the trace of a command.

It prints medians with their range.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.site import Site

_WARM_UP = 5


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["service", "trace"], default="service")
    parser.add_argument(
        "--pairs", type=int, default=40, help="databases made, or work done each way"
    )
    parser.add_argument("--runs", type=int, default=0, help="traced runs of which none may hang")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of deliveries")
    options = parser.parse_args()
    # Only now: help needs no packages.
    if options.what == "trace":
        from bench.trace import measure

        measure(options.pairs, options.runs)
        return 0
    from bench.site import open_site

    with open_site() as site:
        _creation(site, options.pairs)
        _intake(site, options.rounds)
    return 0


def _creation(site: "Site", pairs: int) -> None:
    from bench.creation import measure_creation

    for number in range(_WARM_UP):
        measure_creation(site, -number - 1)
    found = [measure_creation(site, number) for number in range(pairs)]
    print(f"From a push's delivery to the ready database, {pairs} pairs, milliseconds:")
    _row("bare CREATE DATABASE", [each.bare for each in found])
    _row("delivery to ready", [each.whole for each in found])
    _row("  of it GitHub's answers", [each.github for each in found])
    _row("  of it more than bare, without GitHub", [each.overhead for each in found])


def _intake(site: "Site", rounds: int) -> None:
    from bench.intake import CONNECTIONS, DELIVERIES, measure_intake, prepare_job, prepare_push

    needless = prepare_push(site, "bench-ready")
    print(f"Deliveries, {rounds} rounds of {DELIVERIES} over {CONNECTIONS} connections:")
    for name, body in (
        ("push that needs nothing", needless),
        ("push that causes a job", prepare_job(needless)),
    ):
        found = [measure_intake(site, body) for _ in range(rounds)]
        print(f"  {name}")
        _row("  stored per second", [each.per_second for each in found])
        _row("  milliseconds to the answer", [each.milliseconds for each in found])
        _row("  CPU milliseconds each", [each.cpu_milliseconds for each in found])


def _row(name: str, values: Sequence[float]) -> None:
    low, high = min(values), max(values)
    print(f"  {name:<40} {statistics.median(values):8.1f}   ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    sys.exit(main())
