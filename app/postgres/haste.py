"""Sessions of requests that somebody waits for: cut when there is no time left."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Timer

import psycopg

from app import patience
from app.postgres.sessions import Session

_CANCEL_SECONDS = 1.0


@contextmanager
def in_time(session: Session) -> Iterator[None]:
    """End what the session does when the request at hand has no time left.

    The server ends a statement by itself, but each has its own time, and a server that hangs ends
    none. Raises StillBusy.
    """
    if not patience.is_limited():
        yield
        return
    is_over, is_cut = Event(), Event()
    cut = Timer(patience.left(float("inf")), _cut, [session, is_over, is_cut])
    cut.daemon = True
    cut.start()
    try:
        yield
    except psycopg.Error as error:
        if not is_cut.is_set():
            raise
        raise patience.StillBusy("PostgreSQL is busy with something else.") from error
    finally:
        is_over.set()
        cut.cancel()
        if is_cut.is_set():
            # Its cancelling could meet the next user's statement.
            session.close()


def _cut(session: Session, is_over: Event, is_cut: Event) -> None:
    if is_over.is_set():
        return
    is_cut.set()
    # So that the statement does not do its work later, when nobody expects it any more.
    with suppress(psycopg.Error, OSError):
        session.cancel_safe(timeout=_CANCEL_SECONDS)
    if not is_over.wait(_CANCEL_SECONDS):
        with suppress(psycopg.Error, OSError):
            _hang_up(session.fileno())


def _hang_up(descriptor: int) -> None:
    """Whoever waits for an answer on it is told that the connection has ended."""
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        copy.shutdown(socket.SHUT_RDWR)
