"""What happens to processes and cables: kills, pauses, sessions that are cut."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import psycopg

from chaos.developers import Deeds
from chaos.kept import Program, descendants
from chaos.servers import Server
from chaos.site import Site
from demo import interruption

_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE usename = 'coppice'"
# Whoever holds the lock of a database is idle in a transaction while he works on its server.
_HOLDERS = f"{_SESSIONS} AND state = 'idle in transaction'"


def kill_worker(site: Site, draw: Random) -> None:
    _kill(site, draw.choice(site.workers), draw)


def kill_web(site: Site, draw: Random) -> None:
    _kill(site, site.web, draw)


def kill_web_process(site: Site, draw: Random) -> None:
    """One of gunicorn's."""
    if site.web.pid is not None:
        children = list(descendants(site.web.pid))[1:]
        if children:
            victim = draw.choice(children)
            with _noted(site, "kill -9 one web process", victim):
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    return


def pause_worker(site: Site, draw: Random) -> None:
    """Longer than it takes until its jobs are taken over."""
    _pause(site, draw.choice(site.workers), draw.uniform(1, 12))


def pause_web(site: Site, draw: Random) -> None:
    _pause(site, site.web, draw.uniform(1, 5))


def kill_state(site: Site, draw: Random) -> None:
    _kill(site, site.state, draw)


def kill_instance(site: Site, draw: Random) -> None:
    _kill(site, site.instances[draw.choice(sorted(site.instances))], draw)


def pause_state(site: Site, draw: Random) -> None:
    _pause_server(site, site.state, draw.uniform(0.5, 5))


def pause_instance(site: Site, draw: Random) -> None:
    _pause_server(site, site.instances[draw.choice(sorted(site.instances))], draw.uniform(0.5, 8))


def cut_cable(site: Site, draw: Random) -> None:
    """Between everybody and an instance."""
    name, seconds = draw.choice(sorted(site.cables)), draw.uniform(0.2, 4)
    with _noted(site, "cable cut", name):
        site.cables[name].pull_out()
        try:
            interruption.pause(seconds)
        finally:
            site.cables[name].plug_in()


def cut_sessions(site: Site, draw: Random) -> None:
    """Of the state database: all, one, or those that hold locks."""
    which, chance = draw.choice(("all", "one", "holders", "holders")), draw.random()
    try:
        with site.state_session() as session:
            query = _HOLDERS if which == "holders" else _SESSIONS
            pids = [pid for (pid,) in session.execute(query)]
            if which == "one" and pids:
                pids = [pids[int(chance * len(pids))]]
            with _noted(site, "state sessions cut", f"{which}, {len(pids)}"):
                for pid in pids:
                    session.execute("SELECT pg_terminate_backend(%s)", [pid])
    except psycopg.OperationalError:
        return  # the state database is away just now


def _kill(site: Site, victim: Program | Server, draw: Random) -> None:
    with _noted(site, f"kill -9 {victim.name}"):
        victim.kill(away_seconds=draw.uniform(0.1, 3))


def _pause(site: Site, victim: Program, seconds: float) -> None:
    with _noted(site, f"pause {victim.name}", f"{seconds:.1f} s"):
        victim.signal(signal.SIGSTOP)
        try:
            interruption.pause(seconds)
        finally:
            victim.signal(signal.SIGCONT)


def _pause_server(site: Site, victim: Server, seconds: float) -> None:
    with _noted(site, f"pause {victim.name}", f"{seconds:.1f} s"):
        victim.pause()
        try:
            interruption.pause(seconds)
        finally:
            victim.resume()


@contextmanager
def _noted(site: Site, kind: str, detail: object = "") -> Iterator[None]:
    since = time.time()
    try:
        yield
    finally:
        site.ledger.note(kind, since=since, detail=str(detail))


DEEDS: Deeds = {
    "kill_worker": (4, kill_worker),
    "kill_web": (1, kill_web),
    "kill_web_process": (1, kill_web_process),
    "pause_worker": (4, pause_worker),
    "pause_web": (1, pause_web),
    "kill_state": (2, kill_state),
    "kill_instance": (2, kill_instance),
    "pause_state": (1, pause_state),
    "pause_instance": (2, pause_instance),
    "cut_cable": (2, cut_cable),
    "cut_sessions": (4, cut_sessions),
}
