"""Keeps a database's lease while a command runs on it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from action.errors import ActionError
from action.service import LeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable


class Lease:
    """Renews in a thread; says when the database is ours no longer.

    A lease is also lost when it could not be renewed in time, by our own clock from before the
    last request that succeeded: the service may have given the database to another run since.
    `renew` gets a timeout in seconds and returns how long the lease lasts; `asked_at` is the
    monotonic time before the lease was asked for.
    """

    def __init__(self, renew: Callable[[float], float], *, seconds: float, asked_at: float) -> None:
        self._renew = renew
        self._seconds = seconds
        self._valid_until = asked_at + seconds
        self._lost = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def lost(self) -> str:
        """Say why the lease is lost; empty while it is ours."""
        if not self._lost and time.monotonic() >= self._valid_until:
            self._lost = "The service could not be reached in time to keep the lease."
        return self._lost

    def _keep(self) -> None:
        pause = self._seconds / 3
        while not self._ended.wait(pause) and not self.lost():
            asked_at = time.monotonic()
            try:
                self._seconds = self._renew(max(self._seconds / 4, 1.0))
            except LeaseLost as error:
                self._lost = str(error) or "The service gave the database to another run."
            except ActionError:
                pause = min(self._seconds / 10, 2.0)  # the service is away: until it lapses
            else:
                self._valid_until = asked_at + self._seconds
                pause = self._seconds / 3
