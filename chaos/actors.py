"""The actors: threads that do what the plan says, all at the same time."""

import threading
import time
import traceback
from random import Random

from chaos import developers, jobs, outages, people, troubles
from chaos.developers import Deeds
from chaos.plan import Step, plan
from chaos.site import Site
from demo import interruption
from demo.interruption import Interrupted

# Who there is: what he does, and about how many seconds pass between two deeds.
_ACTORS: dict[str, tuple[Deeds, float]] = {
    "developer 1": (developers.DEEDS, 0.6),
    "developer 2": (developers.DEEDS, 0.8),
    "job 1": (jobs.DEEDS, 0.7),
    "job 2": (jobs.DEEDS, 0.7),
    "job 3": (jobs.DEEDS, 0.7),
    "job 4": (jobs.DEEDS, 0.7),
    "job 5": (jobs.DEEDS, 0.7),
    "operator": (people.DEEDS, 1.2),
    "trouble": (troubles.DEEDS, 2.5),
    "GitHub": (outages.DEEDS, 2.0),
}


def play(site: Site, *, seed: int, seconds: float) -> None:
    """Have everybody act for so long. Raises Interrupted when a person has had enough."""
    started = time.monotonic()
    site.until = started + seconds
    threads = [
        threading.Thread(
            target=_act, args=[site, deeds, _steps(seed, name, seconds), started], name=name
        )
        for name, (deeds, _) in _ACTORS.items()
    ]
    for thread in threads:
        thread.start()
    told = started
    while any(thread.is_alive() for thread in threads):
        # Not by `pause`: everybody ends first, and then we do.
        time.sleep(0.1)
        if time.monotonic() - told > 10:
            told = time.monotonic()
            count = sum(site.ledger.counts().values())
            print(f"  {told - started:4.0f} s: {count} deeds", flush=True)
    for thread in threads:
        thread.join()
    interruption.check()


def _steps(seed: int, name: str, seconds: float) -> list[Step]:
    deeds, pause_seconds = _ACTORS[name]
    weights = {deed: weight for deed, (weight, _) in deeds.items()}
    return plan(seed, name, weights=weights, seconds=seconds, pause_seconds=pause_seconds)


def _act(site: Site, deeds: Deeds, steps: list[Step], started: float) -> None:
    """Whoever is late goes on at once, until the time is over."""
    try:
        for step in steps:
            interruption.pause(max(0.0, started + step.at_seconds - time.monotonic()))
            if time.monotonic() > site.until:
                return
            _, do = deeds[step.deed]
            do(site, Random(step.seed))
    except Interrupted:
        return
    except Exception:
        name = threading.current_thread().name
        site.ledger.complain(f"chaos itself failed in {name}:\n{traceback.format_exc()}")
