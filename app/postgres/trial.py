"""Trying by doing: a throw-away database lives a whole life, in the steps that all others take.

What a try makes is named after it. While it lasts it holds a session that is named so too, by which
others see that it is under way.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from app.core import trials
from app.core.errors import CoppiceError
from app.core.findings import Outcome, TriedStep
from app.postgres import statements
from app.postgres.access import Access
from app.postgres.failures import explained
from app.postgres.passwords import new_password
from app.postgres.sessions import admin_login, open_session
from app.postgres.trial_findings import NEEDS, WORDS, Step, failed, is_refusal
from app.postgres.trial_steps import ACTS, Run, Trial, drop

_log = structlog.get_logger(__name__)

_FENCE = 1
_SWEEPERS_FENCE = 2
"""Higher, so that a try that sleeps while it is swept makes nothing more."""
_YOUNG_SECONDS = 60
"""Younger ones are left alone whatever their session looks like."""

_CLOCK = "SELECT extract(epoch FROM clock_timestamp())::bigint"
# By its name, its comment, and by the service being its member: what has the name alone is somebody
# else's. To whom a session belongs and how it is called, PostgreSQL shows to the same role.
_LEFT = """
SELECT trial FROM pg_roles AS owner,
  substring(owner.rolname FROM '^(coppice-try-[0-9]{10,11}-[0-9a-f]{12})-o$') AS trial
WHERE trial IS NOT NULL AND NOT owner.rolcanlogin
  AND shobj_description(owner.oid, 'pg_authid') ~ '^coppice [0-9]+$'
  AND EXISTS (SELECT FROM pg_auth_members
               WHERE roleid = owner.oid
                 AND member = (SELECT oid FROM pg_roles WHERE rolname = current_user))
  AND extract(epoch FROM clock_timestamp()) - split_part(trial, '-', 3)::bigint > %s
  AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = trial)
ORDER BY 1
"""


def try_out(access: Access, run: Run) -> list[TriedStep]:
    """Do everything once; whatever happens, what was made is dropped as far as that can be done.

    Raises TransientError: the server did not answer, or was too busy to tell.
    """
    with _under_way(access) as name:
        trial = Trial(
            access=access,
            database=trials.throw_away(name, fence=_FENCE),
            password=new_password(),
            run=run,
        )
        steps: list[TriedStep] = []
        try:
            for step in NEEDS:
                steps.append(_tried(trial, step, steps))
        finally:
            last = _tried(trial, Step.DROPPING, ())
        return [*steps, last]


def sweep(access: Access, run: Run) -> list[str]:
    """Drop what killed tries left; returns the names of these tries.

    What cannot be dropped stays for the next sweep, and keeps no other from being dropped.
    """
    with access.session("Looking for what tries left") as session:
        rows = session.execute(_LEFT, [_YOUNG_SECONDS]).fetchall()
    return [name for (name,) in rows if _is_swept(access, name, run)]


def _is_swept(access: Access, name: str, run: Run) -> bool:
    database = trials.throw_away(name, fence=_SWEEPERS_FENCE)
    try:
        drop(Trial(access=access, database=database, password="", run=run))
    except CoppiceError as error:
        _log.warning("what a try left was not dropped", trial=name, problem=str(error))
        return False
    return True


@contextmanager
def _under_way(access: Access) -> Iterator[str]:
    """A new try's name, which a session carries for as long as the try lasts."""
    with open_session(admin_login(access.admin)) as session:
        with explained("Beginning to try"):
            [(now,)] = session.execute(_CLOCK).fetchall()
            name = trials.trial_name(began_at=now, token=secrets.token_hex(6))
            session.execute(statements.set_for_session("application_name", name))
        yield name


def _tried(trial: Trial, step: Step, before: Sequence[TriedStep]) -> TriedStep:
    went = {one.code for one in before if one.outcome is Outcome.DONE}
    if not NEEDS.get(step, set()) <= went:
        return TriedStep(code=step, words=WORDS[step], outcome=Outcome.SKIPPED)
    try:
        finding, outcome = ACTS[step](trial), Outcome.DONE
    except CoppiceError as error:
        if not is_refusal(error):
            raise
        finding, outcome = failed(step, error), Outcome.FAILED
    return TriedStep(code=step, words=WORDS[step], outcome=outcome, finding=finding)
