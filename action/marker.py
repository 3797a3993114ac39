"""Makes running on a wrong database impossible: looks for the database's mark from the runner."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from action import verdicts
from action.errors import ActionError
from action.inputs import is_loopback
from pgwire.client import LoginRefused, Target, Unreachable, session
from pgwire.line import TlsFailed
from pgwire.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from action.credentials import Address, Credentials

# Fully qualified, operator included: nothing inside the database can stand in for these.
_QUESTION = (
    "SELECT pg_catalog.current_database(), pg_catalog.shobj_description(d.oid, 'pg_database')"
    " FROM pg_catalog.pg_database AS d"
    " WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"
)
_ATTEMPTS = 4
# Starting up, out of connections: https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING_SQLSTATES = ("57P03", "53300")


def check(credentials: Credentials, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Log in over every address that the command gets, and read name and mark.

    Raises ActionError (unreachable, TLS, login, wrong database); then nothing may be run.
    """
    addresses = [credentials.direct, *([credentials.pooled] if credentials.pooled else [])]
    for address in addresses:
        _check_address(credentials, address, pause=pause)


def pooler_problem(credentials: Credentials) -> str | None:
    """Why the pooler cannot be used from here, for a person; None: it can, or there is none.

    Migrations do without one: it stops nothing. That it leads elsewhere is for `check` to say.
    """
    address = credentials.pooled
    if address is None:
        return None
    try:
        _ask(target(credentials, address), is_pooler=True)
    except (Unreachable, TlsFailed, LoginRefused) as error:
        return f"The pooler {address.host}:{address.port} cannot be used from here: {error}."
    return None


def _check_address(
    credentials: Credentials, address: Address, *, pause: Callable[[float], None]
) -> None:
    where = f"{address.host}:{address.port}"
    database = credentials.variables["PGDATABASE"]
    try:
        is_pooler = address == credentials.pooled
        found = _ask_patiently(target(credentials, address), is_pooler=is_pooler, pause=pause)
    except Unreachable as error:
        raise ActionError(
            verdicts.unreachable(where, str(error), is_loopback=is_loopback(address.host))
        ) from error
    except TlsFailed as error:
        raise ActionError(verdicts.tls_failed(where, str(error))) from error
    except LoginRefused as error:
        why = plain(str(error), limit=300)
        raise ActionError(verdicts.login_refused(where, why)) from error
    if found != [[database, credentials.marker]]:
        raise ActionError(verdicts.wrong_database(where, database))


def _ask_patiently(
    target: Target, *, is_pooler: bool, pause: Callable[[float], None]
) -> list[list[str | None]]:
    for attempt in range(1, _ATTEMPTS):
        try:
            return _ask(target, is_pooler=is_pooler)
        except Unreachable:
            pause(attempt)
        except LoginRefused as error:
            if error.sqlstate not in _PASSING_SQLSTATES:
                raise
            pause(attempt)
    return _ask(target, is_pooler=is_pooler)


def _ask(target: Target, *, is_pooler: bool) -> list[list[str | None]]:
    with session(target) as opened:
        if is_pooler:
            # PgBouncer ends the session of a client that leaves amid a transaction. Else it would
            # keep this one, and what is there already proves nothing about who comes (`witness`).
            opened.rows("BEGIN")
        return opened.rows(_QUESTION)


def target(credentials: Credentials, address: Address) -> Target:
    """Where the login of these credentials leads over that address."""
    values = credentials.variables
    return Target(
        host=address.host,
        port=address.port,
        database=values["PGDATABASE"],
        user=values["PGUSER"],
        password=values["PGPASSWORD"],
        sslmode=address.sslmode,
        ca_certificate=credentials.ca_certificate,
    )
