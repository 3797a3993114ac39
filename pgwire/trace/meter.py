"""Divides among a session's transactions what it wrote to the write-ahead log. Pure.

A session publishes its sum outside of transactions: once in a second at most, and for certain where
a look asked for it. The next look reads it, so that it costs no round trip. Where one transaction
had no look, it is told together with the next that had.
"""

from __future__ import annotations

from pgwire.trace.report import Transactions


class Meter:
    """Of one session, whose sum begins with zero."""

    def __init__(self) -> None:
        self._written = 0
        self._ended: tuple[int, int, int] | None = None
        """The first, the last and how many of those not told yet."""
        self._is_asked = self._is_published = False

    def ended(self, number: int) -> None:
        """A transaction ended."""
        first, _, count = self._ended or (number, number, 0)
        self._ended = (first, number, count + 1)
        self._is_published = False

    def ready(self) -> None:
        """The session is outside of a transaction, and has published what it was asked for."""
        self._is_published = self._is_published or self._is_asked
        self._is_asked = False

    def read(self, written: int) -> Transactions | None:
        """A look read the sum, and asked for what comes; says what those wrote that ended."""
        self._is_asked = True
        return self.settled(written) if self._is_published else None

    def settled(self, written: int) -> Transactions | None:
        """Say what those wrote that ended, all of which this sum holds."""
        ended, self._ended = self._ended, None
        before, self._written = self._written, written
        if ended is None or written <= before:
            return None
        first, last, count = ended
        return Transactions(first=first, last=last, count=count, wal_bytes=written - before)
