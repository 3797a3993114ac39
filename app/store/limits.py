"""Limits and owners of instances in the state database."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from app.core.errors import Conflict
from app.core.identifiers import InstanceId
from app.core.intents import Intent
from app.core.limits import NO_LIMITS, Limits
from app.core.ownership import Handover

_SET = """
    INSERT INTO instance_limits (instance_id, limits) VALUES (%s, %s)
    ON CONFLICT (instance_id) DO UPDATE SET limits = excluded.limits
"""
_OFFER = """
    INSERT INTO instance_claims AS present (instance_id, token_hash, limits, expires_at)
    VALUES (%s, %s, %s, %s)
    ON CONFLICT (instance_id) DO UPDATE SET (token_hash, limits, expires_at)
        = (excluded.token_hash, excluded.limits, excluded.expires_at)
    WHERE present.claimed_at IS NULL
"""
_TAKE = """
    UPDATE instance_claims SET owner_id = %(owner_id)s, owner_login = %(login)s, claimed_at = %(at)s
    WHERE token_hash = %(hash)s AND claimed_at IS NULL AND expires_at > %(at)s
    RETURNING instance_id, limits
"""


class InstanceLimits:
    """What instances allow."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def of(self, instance_id: InstanceId) -> Limits:
        """Without any for an instance that has none."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT limits FROM instance_limits WHERE instance_id = %s", [instance_id]
            ).fetchone()
        return Limits(**row["limits"]) if row else NO_LIMITS

    def set(self, instance_id: InstanceId, limits: Limits) -> None:
        with self._pool.connection() as connection:
            connection.execute(_SET, [instance_id, Jsonb(asdict(limits))])


class Handovers:
    """Links by which instances are handed over; only a hash of a link is kept."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        self._pool = pool
        self._defer = defer

    def offer(self, claim: Handover, *, token_hash: bytes) -> None:
        """Replaces an earlier link that nobody used. Raises Conflict once it is claimed."""
        with self._pool.connection() as connection:
            written = connection.execute(
                _OFFER,
                [claim.instance_id, token_hash, Jsonb(asdict(claim.limits)), claim.expires_at],
            ).rowcount
        if not written:
            raise Conflict("The instance has been claimed.", advice="It is claimed once.")

    def linked(self, token_hash: bytes) -> Handover | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM instance_claims WHERE token_hash = %s", [token_hash]
            ).fetchone()
        return claim_from(row) if row else None

    def of_instance(self, instance_id: InstanceId) -> Handover | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM instance_claims WHERE instance_id = %s", [instance_id]
            ).fetchone()
        return claim_from(row) if row else None

    def of_owner(self, owner_id: int) -> Sequence[Handover]:
        """Those by which the account took instances over."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM instance_claims WHERE owner_id = %s AND claimed_at IS NOT NULL",
                [owner_id],
            ).fetchall()
        return [claim_from(row) for row in rows]

    def take(
        self,
        token_hash: bytes,
        *,
        owner_id: int,
        owner_login: str,
        at: datetime,
        then: Sequence[Intent] = (),
    ) -> bool:
        """The account owns the instance from now on, and its limits are those of the claim.

        False when somebody was faster, or the link is past its time.
        """
        with self._pool.connection() as connection:
            row = connection.execute(
                _TAKE, {"owner_id": owner_id, "login": owner_login, "at": at, "hash": token_hash}
            ).fetchone()
            if row is not None:
                connection.execute(_SET, [row["instance_id"], Jsonb(row["limits"])])
                self._defer(connection, then)
        return row is not None


def claim_from(row: DictRow) -> Handover:
    """A row of `instance_claims`."""
    return Handover(
        instance_id=InstanceId(row["instance_id"]),
        limits=Limits(**row["limits"]),
        expires_at=row["expires_at"],
        owner_id=row["owner_id"],
        owner_login=row["owner_login"],
        claimed_at=row["claimed_at"],
    )
