"""Passwords, and what PostgreSQL is told instead of them."""

import secrets
import string

from psycopg import Connection
from psycopg.rows import TupleRow

from app.core.identifiers import RoleName

# Letters and digits only: such a password reads the same raw, in a URL, in a shell and in JSON, so
# a log filter that knows one form knows them all. 40 of them are 238 bits.
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 40


def new_password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def scram_verifier(connection: Connection[TupleRow], *, role: RoleName, password: str) -> str:
    """What the server stores, computed here.

    The server sees no password, so that its statement log and error log cannot hold one.
    https://www.postgresql.org/docs/current/libpq-misc.html#LIBPQ-PQENCRYPTPASSWORDCONN
    """
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    return verifier.decode()
