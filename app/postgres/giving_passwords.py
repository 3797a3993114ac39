"""How PostgreSQL is told a password: as a verifier, or in plain where it refuses those.

In plain it stands in no statement, so that neither a log of statements or of errors nor an
exception of ours repeats it: a setting of the session carries it to the statement that needs it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.sql import SQL, Composed, Literal

from app.core.identifiers import RoleName
from app.postgres import statements
from app.postgres.passwords import scram_verifier
from app.postgres.sessions import Session

_SETTING = "coppice.password"
# Told again without its context, in which PL/pgSQL quotes the statement that failed.
_FROM_SETTING = SQL(
    """
DO $giving$ BEGIN
    EXECUTE format('ALTER ROLE %I PASSWORD %L', {role}, current_setting({setting}));
EXCEPTION WHEN OTHERS OR query_canceled THEN
    RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM;
END $giving$"""
)


@contextmanager
def given(session: Session, role: RoleName, password: str, *, in_plain: bool) -> Iterator[Composed]:
    """The statement that gives the role this password; it works in this session, in this block.

    Args:
        in_plain: PostgreSQL hashes it. It crosses the network as it is, so that must be encrypted.
    """
    if not in_plain:
        yield statements.set_password(role, verifier=scram_verifier(password))
        return
    # A server may be set to hash with MD5.
    session.execute(
        "SELECT set_config(%s, %s, false),"
        " set_config('password_encryption', 'scram-sha-256', false)",
        [_SETTING, password],
    )
    try:
        yield _FROM_SETTING.format(role=Literal(role), setting=Literal(_SETTING))
    finally:
        if not session.closed:
            session.execute("SELECT set_config(%s, '', false)", [_SETTING])
