"""Roles on the cluster that all tests share, where others change the same rows meanwhile."""

from psycopg import errors, sql

from app.postgres.sessions import Session

_TRIES = 50


def let_in(session: Session, role: sql.Identifier) -> None:
    """Let the role connect to the database `postgres`, as PUBLIC may not."""
    _insist(session, sql.SQL("GRANT CONNECT ON DATABASE postgres TO {}").format(role))


def remove_role(session: Session, role: sql.Identifier) -> None:
    """Drop the role, and what it was granted."""
    _insist(session, sql.SQL("DROP OWNED BY {}").format(role))
    session.execute(sql.SQL("DROP ROLE {}").format(role))


def _insist(session: Session, statement: sql.Composed) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            session.execute(statement)
        except errors.InternalError_:  # "tuple concurrently updated": another test was faster
            if attempt == _TRIES:
                raise
        else:
            return
