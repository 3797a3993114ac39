"""What operations ask of the state database about instances' limits and owners.

Each method is one transaction. Those that take `then` queue these jobs in it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.core.databases import Database
from app.core.identifiers import DatabaseId, InstanceId
from app.core.intents import Intent
from app.core.limits import Limits
from app.core.ownership import Claim


class InstanceLimits(Protocol):
    """Limits, and the databases that are past them."""

    def of(self, instance_id: InstanceId) -> Limits:
        """Without any for an instance that has none."""

    def set(self, instance_id: InstanceId, limits: Limits) -> None: ...

    def freeze(self, database: Database, *, reason: str, reason_code: str) -> None:
        """A ready database is `error` and frozen from now on; others stay as they are.

        For the holder of its lock: does nothing either once another has taken that.
        """

    def thaw(self, database_id: DatabaseId) -> None:
        """A frozen database is `creating`: to be opened again by who asked."""


class Claims(Protocol):
    """Links by which instances are handed over; only a hash of a link is kept."""

    def offer(self, claim: Claim, *, token_hash: bytes) -> None:
        """Replaces an earlier link that nobody used. Raises Conflict once it is claimed."""

    def linked(self, token_hash: bytes) -> Claim | None: ...

    def of_instance(self, instance_id: InstanceId) -> Claim | None: ...

    def of_owner(self, owner_id: int) -> Sequence[Claim]:
        """Those by which the account took instances over."""

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
