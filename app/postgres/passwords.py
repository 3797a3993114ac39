"""Passwords: how they are made, and how PostgreSQL is told one, as a verifier or in plain."""

import hashlib
import hmac
import secrets
import string
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.sql import SQL, Composed, Literal

from app.core.identifiers import RoleName
from app.postgres import statements
from app.postgres.sessions import Session

# Letters and digits only: such a password reads the same raw, in a URL, in a shell and in JSON, so
# a log filter that knows one form knows them all. 40 of them are 238 bits.
_ALPHABET = string.ascii_letters + string.digits
_KINDS = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_LENGTH = 40
_SALT_BYTES = 16
# What PostgreSQL itself takes, and the least that some drivers accept (RFC 7677).
_ITERATIONS = 4096


def new_password() -> str:
    """At random, with a letter of each case and a digit: rules of servers ask for these."""
    while True:
        password = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
        if all(set(password) & set(kind) for kind in _KINDS):
            return password


def scram_verifier(password: str, *, iterations: int = _ITERATIONS) -> str:
    """What the server stores, computed here (a few milliseconds).

    The server sees no password, so that its statement log and error log cannot hold one. Takes
    ASCII only: other passwords would have to be normalised first.
    https://www.rfc-editor.org/rfc/rfc5803 and
    https://www.postgresql.org/docs/current/catalog-pg-authid.html

    Raises:
        ValueError: The password is not ASCII.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = [b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${iterations}:{parts[0]}${parts[1]}:{parts[2]}"


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

    A password in plain stands in no statement, so that neither a log of statements or of errors nor
    an exception of ours repeats it: a setting of the session carries it to the statement.

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
