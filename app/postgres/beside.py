"""Looks on, on a person's machine, while a command runs on a database: as the Action on runners.

Without psycopg, which those have not installed who only ask a service elsewhere. Whatever goes
wrong in it is nobody's failure: then nothing is said.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pgwire import client
from pgwire.beside import wording
from pgwire.beside.watch import TROUBLE, Watch
from pgwire.beside.witness import Witness
from pgwire.client import Target

_TIMEOUT_SECONDS = 5.0
"""Of a log-in: the command waits for it."""
_FEW = 10
_LIMIT = "SELECT rolconnlimit::text FROM pg_catalog.pg_roles WHERE rolname = session_user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a command ended, and what was seen beside it meanwhile."""

    exit_code: int
    remarks: tuple[str, ...]
    """What it left unfinished, in sentences for people."""
    never_connected: bool
    """It ended well, and nobody connected to its database."""


def run_watched(
    run: Callable[[], int], variables: Mapping[str, str], *, say: Callable[[str], None]
) -> Course:
    """Run what returns an exit code, with one more session of the login that it gets (PG*).

    `say` is told in lines, by another thread, what is waited for meanwhile.
    """
    try:
        target = _target(variables)
        has_room = _has_room(target)
    except (KeyError, OSError, ValueError, *TROUBLE):
        has_room = False
    if not has_room:
        return Course(exit_code=run(), remarks=(), never_connected=False)
    with Watch(target, say=say) as watched:
        witness = Witness(watched.session, target)
        exit_code = run()
        watched.stop()
        never_connected = exit_code == 0 and witness.nobody_came()
    left, database = watched.unfinished, target.database
    warning = wording.invalid_indexes(database, left)
    return Course(
        exit_code=exit_code,
        remarks=(*([warning] if warning else []), *wording.not_validated(database, left)),
        never_connected=never_connected,
    )


def _has_room(target: Target) -> bool:
    """Whether the login may have so many sessions that the command does not miss ours.

    A job's login has one more for it. That of a person has as many as the operator says.
    """
    with client.session(target) as session:
        [[limit]] = session.rows(_LIMIT)
    return not 0 <= int(limit or 0) < _FEW


def _target(variables: Mapping[str, str]) -> Target:
    """Where the login leads. Raises KeyError, OSError and ValueError for what no tool can use."""
    certificate = variables.get("PGSSLROOTCERT")
    return Target(
        host=variables["PGHOST"],
        port=int(variables["PGPORT"]),
        database=variables["PGDATABASE"],
        user=variables["PGUSER"],
        password=variables["PGPASSWORD"],
        sslmode=variables["PGSSLMODE"],
        ca_certificate=Path(certificate).read_text(encoding="utf-8") if certificate else None,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
