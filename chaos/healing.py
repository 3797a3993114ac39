"""The end of all troubles: everything runs, GitHub is well, and nothing is left to do."""

import signal
import time
from collections.abc import Callable

import psycopg

from chaos import developers, people
from chaos.site import APPS, Site, is_ready
from demo import interruption

PATIENCE_SECONDS = 600.0
_RECONCILES = 2
_MOST_SWEEPS = 12
# What is put off for long is done soon, as if that time had passed.
_HURRY = """
    UPDATE coppice.procrastinate_jobs SET scheduled_at = now() + interval '2 seconds'
    WHERE status = 'todo' AND scheduled_at > now() + interval '2 seconds'
"""
# GitHub takes so many writes an hour; the rest waits for the next one.
_NEXT_HOUR = "DELETE FROM coppice.github_writes"
_BUSY = """
    SELECT task_name || CASE WHEN status = 'doing' THEN ' (running)' ELSE '' END
    FROM coppice.procrastinate_jobs WHERE status IN ('todo', 'doing')
"""
# What outlives its run has a time of its own: GitHub told nobody of the run's end while the App was
# away.
_PASS = "UPDATE job_logins SET valid_until = now() WHERE ended_at IS NULL AND outlives_run"
_OPEN_LOGINS = "SELECT role FROM job_logins WHERE ended_at IS NULL"
# A branch that is gone without a word has to be missed twice, ten minutes apart.
_AGE = (
    "UPDATE coppice.databases SET missing_since = missing_since - interval '11 minutes'"
    " WHERE missing_since IS NOT NULL AND state NOT IN ('deleted', 'gone')"
)


class Unhealed(Exception):
    """It did not come to rest; the text says what was still going on."""


def heal(site: Site) -> None:
    """End all troubles, wait until everything rests, and have everything reconciled twice.

    Raises Unhealed.
    """
    _end_troubles(site)
    _await(lambda: is_ready(site), what="the service is not ready")
    for app in APPS:
        _await(lambda app=app: people.assign(site, app), what=f"{app} cannot be assigned")  # type: ignore[misc]
    _restart_workers(site)
    rest(site)
    with site.state_session() as session:
        session.execute(_PASS)
    # Of runs that died without GitHub's knowing, or while their app was not assigned: a lease lasts
    # a minute.
    _await(lambda: not _open_logins(site), what=lambda: f"logins of jobs: {_open_logins(site)}")
    rest(site)
    for _ in range(_RECONCILES):
        reconcile(site)
    for _ in range(_MOST_SWEEPS):
        if not _let_time_pass(site):
            return
        reconcile(site)


def reconcile(site: Site) -> None:
    """Have everything compared with GitHub, and wait for what comes of it."""
    finished = site.coppice("reconcile")
    if finished.returncode != 0:
        raise Unhealed(f"`reconcile` ended with {finished.returncode}: {finished.stderr}")
    rest(site)


def rest(site: Site) -> None:
    """Wait until every delivery is answered and no job waits or runs, also none put off."""
    site.github.hook.wait()
    _await(lambda: not _left(site), what=lambda: f"jobs are left: {_left(site)}")


def _end_troubles(site: Site) -> None:
    for server in site.servers:
        server.resume()
    for program in site.programs:
        program.signal(signal.SIGCONT)
    site.github.faults.clear()
    developers.give_app_back(site)
    _end_runs(site)


def _end_runs(site: Site) -> None:
    """Also those that a late command began again: each workflow ends some time."""
    with site.github.context.state.lock:
        runs = list(site.github.context.state.workflow_runs.values())
    for run in runs:
        if run.status != "completed":
            site.github.complete_run(run, "failure")


def _restart_workers(site: Site) -> None:
    """In order, as for an update: what a start does is part of the healing."""
    # The second: it has just been started again, and does not listen to signals yet.
    orderly = (0, -signal.SIGTERM)
    for worker in site.workers:
        if (code := worker.stop()) not in orderly:
            site.ledger.complain(f"{worker.name} ended with {code} when it was asked to stop")
        worker.want()


def _left(site: Site) -> list[str]:
    _end_runs(site)
    try:
        with site.state_session() as session:
            session.execute(_HURRY)
            session.execute(_NEXT_HOUR)
            return sorted(name for (name,) in session.execute(_BUSY))
    except psycopg.OperationalError:
        return ["the state database does not answer"]


def _open_logins(site: Site) -> list[str]:
    try:
        with site.state_session() as session:
            return [role for (role,) in session.execute(_OPEN_LOGINS)]
    except psycopg.OperationalError:
        return ["the state database does not answer"]


def _let_time_pass(site: Site) -> bool:
    """Whether a branch was missed for the first time."""
    with site.state_session() as session:
        return session.execute(_AGE).rowcount > 0


def _await(holds: Callable[[], object], *, what: str | Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            words = what if isinstance(what, str) else what()
            raise Unhealed(f"After {PATIENCE_SECONDS:.0f} seconds {words}")
        interruption.pause(0.25)
