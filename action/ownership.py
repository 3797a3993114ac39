"""Advice on who owns what is inside a database, where a command's output is about that.

Told by PostgreSQL's code where one stands in the output beside such a statement, else by what
PostgreSQL says, which is all that most tools print. A match only adds advice to a failure.
"""

from __future__ import annotations

import re

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_CODES = re.compile(rb"\b(?:42501|42704)\b")  # insufficient privilege, undefined object
_STATEMENTS = re.compile(
    rb"\b(?:OWNER\s+TO|AUTHORIZATION|DEFAULT\s+PRIVILEGES\s+FOR|REASSIGN\s+OWNED|SET\s+ROLE"
    rb"|ALTER\s+(?:ROLE|USER|DATABASE))\b",
    re.IGNORECASE,
)
# Of an extension it is another matter. FATAL is a refused login.
_SAYINGS = re.compile(
    rb"^(?!.*FATAL).*(?:must be owner of (?!extension)|must be able to SET ROLE"
    rb"|permission denied to (?:change default privileges|alter role|reassign objects|set role)"
    rb'|role "[^"\n]+" does not exist)',
    re.MULTILINE,
)

ADVICE = (
    "What is inside the database belongs to its long-lived role; `PGUSER` is a login of this job"
    " only, and nothing can be made over to it. Write `CURRENT_USER` in SQL"
    " (`ALTER TABLE t OWNER TO CURRENT_USER`, `CREATE SCHEMA s AUTHORIZATION CURRENT_USER`,"
    " `ALTER DEFAULT PRIVILEGES FOR ROLE CURRENT_USER ...`), or take the role's name from"
    ' `COPPICE_ROLE` where a name is filled in (`OWNER TO "$COPPICE_ROLE"`). Settings that'
    " `ALTER DATABASE ... SET` would make go to the role: `ALTER ROLE CURRENT_USER SET ...`."
)


def advice(output: bytes) -> str:
    """Say how to name the owner if a failed command's output is about that; else nothing."""
    is_coded = _CODES.search(output) and _STATEMENTS.search(output)
    return ADVICE if is_coded or _SAYINGS.search(output) else ""
