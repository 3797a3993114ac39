"""Sees, on a person's machine, whether a command connected to its database at all.

As the Action does on runners. Whatever goes wrong is nobody's failure: then nothing is claimed.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress

import psycopg
from psycopg import Connection

from pgwire import attendance
from pgwire.attendance import Look

_TROUBLE = (psycopg.Error, OSError, ValueError)
_BEFORE_SECONDS, _AFTER_SECONDS = 1.0, 2.0
"""For sessions that are about to end: that of a check before, the command's last after it."""
_PAUSE_SECONDS = 0.05


class Witness:
    """Of one session that began before the command."""

    def __init__(self, variables: Mapping[str, str], session: Connection | None) -> None:
        self._variables = variables
        self._session = session
        self._before: Look | None = None
        if session is not None:
            with suppress(*_TROUBLE):
                session.execute(attendance.COUNT_NOW)
                before = _patient_look(session, seconds=_BEFORE_SECONDS)
                if attendance.may_prove(before, process_id=session.info.backend_pid):
                    self._before = before

    def nobody_came(self) -> bool:
        """Whether it is certain that nobody connected to the database since this was made."""
        if self._session is None or self._before is None:
            return False
        try:
            after = _look(self._session)
            if after.sessions == self._before.sessions:
                after = _patient_look(self._session, seconds=_AFTER_SECONDS)
            return attendance.nobody_came(self._before, after) and self._is_still_there()
        except _TROUBLE:
            return False

    def _is_still_there(self) -> bool:
        """Whether the address leads to the same server still: there is our session, no other."""
        with closing(_connect(self._variables)) as session:
            seen = _look(session)
        return (seen.mates, seen.strangers) == (1, 0)


@contextmanager
def witness(variables: Mapping[str, str]) -> Iterator[Witness]:
    """Look on while the block runs, with the login that its command gets (PG*)."""
    session = None
    with suppress(*_TROUBLE):
        session = _connect(variables)
    try:
        yield Witness(variables, session)
    finally:
        if session is not None:
            session.close()


def _connect(variables: Mapping[str, str]) -> Connection:
    return psycopg.connect(
        host=variables["PGHOST"],
        port=variables["PGPORT"],
        dbname=variables["PGDATABASE"],
        user=variables["PGUSER"],
        password=variables["PGPASSWORD"],
        sslmode=variables["PGSSLMODE"],
        sslrootcert=variables.get("PGSSLROOTCERT"),
        connect_timeout=5,
        keepalives_idle=30,
        autocommit=True,
    )


def _patient_look(session: Connection, *, seconds: float) -> Look:
    give_up_at = time.monotonic() + seconds
    while True:
        look = _look(session)
        if look.is_alone or look.strangers or time.monotonic() >= give_up_at:
            return look
        time.sleep(_PAUSE_SECONDS)


def _look(session: Connection) -> Look:
    return attendance.look_in(
        session.execute(attendance.OTHERS).fetchall(), session.execute(attendance.COUNT).fetchall()
    )
