"""Waits for a database's turn and takes what the service hands out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from action import environment, marker, verdicts
from action.errors import ActionError
from action.reply import Wait

if TYPE_CHECKING:
    from action.reply import Granted, Passed, Planned
    from action.workplace import Workplace

LONGEST_PREPARATION_SECONDS = 300.0
PROGRESS_SECONDS = 30.0
_PREPARATIONS = ("creating", "restoring", "fixing")


def wait_for(place: Workplace, planned: Planned) -> tuple[Granted | Passed, float]:
    """Ask until the database is ours or there is nothing to do; shows progress.

    Also returns the monotonic time before the answer was asked for, from which a lease counts.

    Raises ActionError after five minutes of creating, restoring or fixing, when others had the
    database for as long as the command itself may take, or when the time for all of it is over.
    """
    progress = _Progress(place, planned)
    while True:
        asked_at = time.monotonic()
        turn = place.service.ask(place.run, planned)
        if not isinstance(turn, Wait):
            return turn, asked_at
        progress.show(turn, at=asked_at)
        left_seconds = max(0.0, place.limit.ends_at - asked_at)
        place.interruption.pause(min(turn.retry_after_seconds, left_seconds))


def receive(place: Workplace, go: Granted) -> tuple[Granted, dict[str, str]]:
    """Hide the secrets before anything else happens with them; returns the variables.

    A pooler that cannot be used from here is left out, of both. Writes the CA certificate, if there
    is one.
    """
    place.console.mask(*go.secrets)
    for notice in go.notices:
        place.console.notice("Coppice", notice)
    if why := marker.pooler_problem(go.credentials):
        place.console.notice("Coppice", f"{why} DATABASE_URL_POOLED is left out.")
        go = replace(go, credentials=go.credentials.without_pooler())
    if go.credentials.ignored:
        place.console.say(
            f"The service sent {go.credentials.ignored} variables that this version of the Action"
            " does not know; they are left out."
        )
    return go, environment.variables(go.credentials, place.inputs.names, folder=place.folder)


def longest_wait_seconds(code: str, *, timeout_minutes: int) -> float:
    """Say how long a reason to wait may last: preparing is quick, others take their time."""
    return LONGEST_PREPARATION_SECONDS if code in _PREPARATIONS else 60.0 * timeout_minutes


class _Progress:
    """Tells people that we wait, why, and when it has been enough."""

    def __init__(self, place: Workplace, planned: Planned) -> None:
        self._place = place
        self._planned = planned
        self._began_at = self._shown_at = time.monotonic()
        self._code = ""
        self._code_since = self._began_at

    def show(self, turn: Wait, *, at: float) -> None:
        why = turn.message or f"{turn.code}."
        if turn.code != self._code:
            self._code, self._code_since, self._shown_at = turn.code, at, at
            self._place.console.say(f"Waiting for {self._planned.database}: {why}")
        elif at - self._shown_at >= PROGRESS_SECONDS:
            self._shown_at = at
            waited = at - self._began_at
            self._place.console.say(f"Still waiting for {self._planned.database} ({waited:.0f} s)")
        limit = self._place.limit
        limit_seconds = longest_wait_seconds(turn.code, timeout_minutes=limit.minutes)
        if at - self._code_since >= limit_seconds or at >= limit.ends_at:
            raise ActionError(
                verdicts.waited_too_long(
                    self._planned.database,
                    f"{why} {turn.advice}".rstrip(),
                    seconds=min(limit_seconds, 60.0 * limit.minutes),
                    setting=limit.setting,
                )
            )
