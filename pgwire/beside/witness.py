"""Sees whether a command connected to its database at all, in the one session beside it.

Whatever goes wrong here is nobody's failure: then nothing is claimed.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pgwire import client
from pgwire.beside import attendance
from pgwire.beside.watch import TROUBLE

if TYPE_CHECKING:
    from pgwire.beside.attendance import Look
    from pgwire.client import Session, Target

_PATIENCE_SECONDS = 2.0
"""For sessions that are about to end: the check's own before, the command's last after it."""
_PAUSE_SECONDS = 0.05


class Witness:
    """Asks in a session that began before the command and is the only one of ours meanwhile.

    It has to be open still when `nobody_came` is asked.
    """

    def __init__(self, session: Session | None, target: Target) -> None:
        self._session = session
        self._target = target
        self._before: Look | None = None
        if session is not None:
            with suppress(*TROUBLE):
                session.rows(attendance.COUNT_NOW)
                before = _patient_look(session)
                if attendance.may_prove(before, process_id=session.process_id):
                    self._before = before

    def nobody_came(self) -> bool:
        """Whether it is certain that nobody connected to the database since this was made."""
        if self._session is None or self._before is None:
            return False
        try:
            after = _look(self._session)
            if after.sessions == self._before.sessions:
                after = _patient_look(self._session)
            return attendance.nobody_came(self._before, after) and self._is_still_there()
        except TROUBLE:
            return False

    def _is_still_there(self) -> bool:
        """Whether the address leads to the same server still: there is our session, and no other.

        Else a server that was replaced would swear that nobody came to it.
        """
        with client.session(self._target) as session:
            seen = _look(session)
        return (seen.mates, seen.strangers) == (1, 0)


def _patient_look(session: Session) -> Look:
    """Look until whoever has this login is gone; others are not waited for."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        look = _look(session)
        if look.is_alone or look.strangers or time.monotonic() >= give_up_at:
            return look
        time.sleep(_PAUSE_SECONDS)


def _look(session: Session) -> Look:
    return attendance.look_in(session.rows(attendance.OTHERS), session.rows(attendance.COUNT))
