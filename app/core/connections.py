"""How many sessions logins and databases may have: what was asked for, within what a server has."""

from dataclasses import dataclass

USUAL = 40
"""Of a login, where nobody says otherwise: enough for an application's pools."""
OWN_OF_JOB = 2
"""What the Action itself may have open on a job's login beside the command's own sessions: the one
that watches, and one that has just been closed and has not ended."""
_LEAST_BESIDE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Sessions at once."""

    login: int
    """Of the long-lived login; a job's command may have as many."""
    database: int
    """Of all logins together, so that a job gets in beside an application that has all of its."""

    @property
    def job(self) -> int:
        """Of a job's login, the Action's own included."""
        return self.login + OWN_OF_JOB


def connections(asked: int | None, *, room: int) -> Connections:
    """What a server allows of what was asked for; None: the usual.

    Args:
        asked: Sessions of each login.
        room: How many the server has for everybody who is no administrator.

    No login gets more than half of the server, and no database more than three quarters: the rest
    is there for others.
    """
    login = max(1, min(USUAL if asked is None else asked, room // 2))
    together = login + max(login // 2, _LEAST_BESIDE)
    return Connections(login=login, database=max(1, min(together, room * 3 // 4)))


def described(asked: int | None, *, room: int | None) -> str:
    """For people, in a line: what logins and databases have, and why that is less than was asked.

    `room` None: the server was not asked so far, and may have less.
    """
    if room is None:
        wanted = USUAL if asked is None else asked
        return f"{wanted} for each login, as far as the server has them"
    found = connections(asked, room=room)
    words = f"{found.login} for each login, {found.database} to each database"
    if asked is not None and found.login < asked:
        words += f" (not {asked}: the server has {room}, and a login gets half of them at most)"
    return words
