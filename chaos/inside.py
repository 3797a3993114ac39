"""What a job does in its database: write one row that tells whose it is, or defend itself."""

import time
import uuid
from typing import Any

import psycopg
from psycopg import sql

from chaos.ledger import Written
from chaos.protocol import Job, Over
from chaos.site import APPS

_MAKE_TABLE = (
    "CREATE TABLE IF NOT EXISTS public.chaos"
    " (token text PRIMARY KEY, app text, environment text, branch text, run bigint)"
)
_WRITE = """
    INSERT INTO public.chaos VALUES (%s, %s, %s, %s, %s)
    RETURNING (SELECT oid::bigint FROM pg_catalog.pg_database WHERE datname = current_database()),
        (SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database
        WHERE datname = current_database())
"""


def write(job: Job, environment: str, variables: dict[str, str]) -> bool:
    """Write a row; False when PostgreSQL did not confirm it. Whoever dies leaves his session."""
    place, token = job.place(environment), uuid.uuid4().hex
    values = [token, place.app, place.environment, place.branch, job.id]
    try:
        session = connect(variables)
        session.execute(_MAKE_TABLE)
        if job.fate in ("inside", "defends"):
            session.execute("BEGIN")
            session.execute(_WRITE, values)
            job.site.strangers.append(session)
            if job.fate == "defends":
                _defend(job, session, variables)
            raise Over("died in a transaction")
        row = session.execute(_WRITE, values).fetchone()
        if job.fate == "unreported":
            job.site.strangers.append(session)
        else:
            session.close()
    except psycopg.Error:
        return False
    oid, marker = row or (0, None)
    job.site.ledger.wrote(
        Written(
            token=token,
            place=place,
            instance=APPS[job.app],
            oid=oid,
            database=variables["PGDATABASE"],
            marker=marker,
            run=job.id,
            at=time.time(),
        )
    )
    return True


def connect(variables: dict[str, str]) -> psycopg.Connection[Any]:
    """A session with what the service handed out."""
    return psycopg.connect(
        host=variables["PGHOST"],
        port=variables["PGPORT"],
        dbname=variables["PGDATABASE"],
        user=variables["PGUSER"],
        password=variables["PGPASSWORD"],
        sslmode=variables["PGSSLMODE"],
        connect_timeout=10,
        autocommit=True,
    )


def _defend(job: Job, session: psycopg.Connection[Any], variables: dict[str, str]) -> None:
    """Lock what its ending has to change, and plant a password for the long-lived login."""
    planted = {**variables, "PGPASSWORD": uuid.uuid4().hex}
    plant = sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}")
    with connect(variables) as other:
        other.execute(plant.format(sql.Literal(planted["PGPASSWORD"])))
        row = other.execute("SELECT current_user::text").fetchone()
    planted["PGUSER"] = row[0] if row else ""
    job.site.ledger.handed_out(planted)
    session.execute("SET LOCAL ROLE NONE")
    session.execute(plant.format(sql.Literal(uuid.uuid4().hex)))
    raise Over("died defending itself")
