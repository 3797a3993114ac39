"""`script/chaos`: break a real installation on purpose, heal it, and compare."""

import argparse
import faulthandler
import json
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from demo import interruption

_WHAT = (
    "Starts a real installation in a temporary folder and breaks it for some seconds: pushes, runs,"
    " commands, resets, lost deliveries, failures of GitHub, kills and pauses of every process."
    " Then everything is healed and reconciled, and GitHub, rows, catalogs, roles, sessions and"
    " data are compared. Exit code 0 when nothing was found, 1 with a sentence for each fault."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one run came to."""

    seed: int
    seconds: float
    deeds: dict[str, int]
    rows_written: int
    healed_in_seconds: float
    violations: list[str]
    logs: str


def main() -> int:
    """Run once; exit code 0 when nothing was found, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="script/chaos", description=_WHAT)
    parser.add_argument("--seconds", type=float, default=60, help="how long to break things (60)")
    parser.add_argument("--seed", type=int, default=1, help="what the plan is drawn from (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the outcome as a line")
    options = parser.parse_args()
    if options.seconds <= 0:
        parser.error("--seconds takes a number above 0.")
    interruption.listen()
    # Where each thread is, for whoever wonders why it takes so long.
    faulthandler.register(signal.SIGUSR1)
    try:
        outcome = _run(seed=options.seed, seconds=options.seconds)
    except interruption.Interrupted as interrupted:
        print("\nStopped. Nothing of it is running any more, and its files are removed.")
        return interrupted.exit_code
    _tell(outcome)
    if options.json is not None:
        with options.json.open("a") as file:
            file.write(f"{json.dumps(asdict(outcome), ensure_ascii=False)}\n")
    return 1 if outcome.violations else 0


def _run(*, seed: int, seconds: float) -> Outcome:
    # Only now: these take a second to load, in which somebody may press Ctrl-C already.
    from chaos import actors, history, verdict
    from chaos.site import open_site

    began = time.monotonic()
    print(f"Seed {seed}, {seconds:.0f} seconds. Starting the installation.", flush=True)
    place = Path(tempfile.gettempdir(), f"coppice-chaos-{seed}")
    with open_site(place) as site:
        births = history.watch(site)
        print(f"Breaking it, after {time.monotonic() - began:.0f} s.", flush=True)
        actors.play(site, seed=seed, seconds=seconds)
        print("Healing it, and comparing.", flush=True)
        started = time.monotonic()
        violations = verdict.reach(site, births)
        healed_in_seconds = time.monotonic() - started
        logs = ""
        if violations:
            verdict.save(site, births)
            logs = tempfile.mkdtemp(prefix=f"{place.name}-logs-")
            shutil.copytree(site.logs, logs, dirs_exist_ok=True)
        return Outcome(
            seed=seed,
            seconds=seconds,
            deeds=site.ledger.counts(),
            rows_written=len(site.ledger.written),
            healed_in_seconds=round(healed_in_seconds, 1),
            violations=violations,
            logs=logs,
        )


def _tell(outcome: Outcome) -> None:
    print(f"\nWhat was done, with seed {outcome.seed} in {outcome.seconds:.0f} seconds:")
    for kind, count in outcome.deeds.items():
        print(f"  {count:5} {kind}")
    print(f"  {outcome.rows_written:5} rows of data confirmed")
    print(f"It was well again after {outcome.healed_in_seconds:.0f} seconds.")
    if not outcome.violations:
        print("Everything holds.")
        return
    print(f"\n{len(outcome.violations)} things do not hold:")
    for violation in outcome.violations:
        print(f"- {violation}")
    print(f"\nThe logs are in {outcome.logs}; chaos/__init__.py says how to read them.")


if __name__ == "__main__":
    sys.exit(main())
