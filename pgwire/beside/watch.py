"""Watches a database while a command runs on it: what it waits for, and what it leaves unfinished.

In one session of the command's own login, opened before the command and closed after it: who
counts sessions knows that there is one. Another follows if it is lost. It reads the catalog alone
and never holds a transaction open. Whatever goes wrong in it is nobody's failure: then nothing is
said.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgwire import client
from pgwire.beside import catalog, wording
from pgwire.client import LoginRefused, Unreachable
from pgwire.line import TlsFailed
from pgwire.messages import BrokenProtocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pgwire.beside.catalog import Unfinished
    from pgwire.client import Session, Target

APPLICATION = "coppice"
"""By this name its session is known among the others of the login."""
MOST_TOLD = 20
_ANSWER_SECONDS = 3.0
TROUBLE = (Unreachable, TlsFailed, LoginRefused, BrokenProtocol, OSError, ValueError)
"""What keeps a watch from seeing anything."""


@dataclass(frozen=True)
class Rhythm:
    """After how long a wait is told, how often it is told again, and how often is looked."""

    patience_seconds: float = 10.0
    again_seconds: float = 30.0
    look_seconds: float = 2.0


class Watch:
    """Use as a context manager around the command; `unfinished` is known at its end."""

    def __init__(
        self, target: Target, *, say: Callable[[str], None], rhythm: Rhythm = Rhythm()
    ) -> None:
        self._target = target
        self._say = say
        self._rhythm = rhythm
        self._stack = ExitStack()
        self._session: Session | None = None
        self._before: Mapping[str, Unfinished] | None = None
        self._told: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.unfinished: tuple[Unfinished, ...] = ()
        """What was not there before, once the command has ended; the first few."""

    @property
    def session(self) -> Session | None:
        """The one session, for whoever asks something before the command begins or once it ended.

        None when there is none, or none any more.
        """
        return self._session

    def __enter__(self) -> Watch:
        try:
            self._before = catalog.unfinished(self._open())
        except TROUBLE:
            self.close()
        self._thread.start()
        return self

    def _open(self) -> Session:
        session = self._stack.enter_context(client.session(self._target))
        session.limit(_ANSWER_SECONDS)
        session.rows(f"SET application_name = '{APPLICATION}'")
        self._session = session
        return session

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.close()

    def stop(self) -> None:
        """Look no more, and see what the command left; the session stays. May be repeated."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._thread.join(2 * _ANSWER_SECONDS)
        before = self._before
        if self._thread.is_alive() or before is None:
            return
        try:
            after = self._unfinished_now()
        except TROUBLE:
            self.close()
        else:
            self.unfinished = catalog.new(before, after)[:MOST_TOLD]

    def _unfinished_now(self) -> Mapping[str, Unfinished]:
        if self._session is not None:
            try:
                return catalog.unfinished(self._session)
            except TROUBLE:
                self.close()  # the command may have ended it
        return catalog.unfinished(self._open())

    def close(self) -> None:
        """End the session."""
        self._session = None
        try:
            self._stack.close()
        except TROUBLE:
            return

    def _look(self) -> None:
        while not self._ended.wait(self._rhythm.look_seconds):
            try:
                self._tell(self._session or self._open(), now=time.monotonic())
            except TROUBLE:
                self.close()
                if self._ended.wait(self._rhythm.patience_seconds):
                    return

    def _tell(self, session: Session, *, now: float) -> None:
        waiting = catalog.waiting(session, seconds=self._rhythm.patience_seconds)
        pids = [int(row[0] or 0) for row in waiting]
        self._told = {pid: at for pid, at in self._told.items() if pid in pids}
        for pid, row in zip(pids, waiting):
            if now - self._told.get(pid, -self._rhythm.again_seconds) < self._rhythm.again_seconds:
                continue
            self._told[pid] = now
            holders, behind = catalog.holders(session, pid), catalog.behind(session, pid)
            for line in wording.wait(row, holders, behind):
                self._say(line)
