"""Limits and owners of instances in the state database."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.core.errors import Conflict
from app.core.identifiers import InstanceId
from app.core.intents import Intent
from app.core.limits import NO_LIMITS, Limits
from app.core.ownership import Handover
from app.store.jobs import defer
from app.store.tables import Table, read

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


class InstanceLimits(Table):
    """What instances allow."""

    def of(self, instance_id: InstanceId) -> Limits:
        """Without any for an instance that has none."""
        row = self._row("SELECT limits FROM instance_limits WHERE instance_id = %s", [instance_id])
        return Limits(**row["limits"]) if row else NO_LIMITS

    def set(self, instance_id: InstanceId, limits: Limits) -> None:
        self._change(_SET, [instance_id, Jsonb(asdict(limits))])


class Handovers(Table):
    """Links by which instances are handed over; only a hash of a link is kept."""

    def offer(self, claim: Handover, *, token_hash: bytes) -> None:
        """Replaces an earlier link that nobody used. Raises Conflict once it is claimed."""
        is_offered = self._change(
            _OFFER, [claim.instance_id, token_hash, Jsonb(asdict(claim.limits)), claim.expires_at]
        )
        if not is_offered:
            raise Conflict("The instance has been claimed.", advice="It is claimed once.")

    def linked(self, token_hash: bytes) -> Handover | None:
        row = self._row("SELECT * FROM instance_claims WHERE token_hash = %s", [token_hash])
        return _handover(row) if row else None

    def of_instance(self, instance_id: InstanceId) -> Handover | None:
        row = self._row("SELECT * FROM instance_claims WHERE instance_id = %s", [instance_id])
        return _handover(row) if row else None

    def of_owner(self, owner_id: int) -> Sequence[Handover]:
        """Those by which the account took instances over."""
        rows = self._rows(
            "SELECT * FROM instance_claims WHERE owner_id = %s AND claimed_at IS NOT NULL",
            [owner_id],
        )
        return [_handover(row) for row in rows]

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
                defer(connection, then)
        return row is not None


def _handover(row: DictRow) -> Handover:
    return read(Handover, {**row, "limits": Limits(**row["limits"])})
