"""What operations ask of the state database about findings that somebody accepts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.identifiers import InstanceId
from app.operations.ports.postgres import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Somebody knows of a finding, and accepts what it said."""

    code: str
    message: str
    acknowledged_by: str
    acknowledged_at: datetime


def acknowledged(finding: Finding, among: Collection[Acknowledgement]) -> Acknowledgement | None:
    """Who accepts the finding, if somebody does.

    Only as it was said then, so that it comes back when it gets worse; and never one that prevents
    work.
    """
    if finding.is_fatal:
        return None
    same = (one for one in among if (one.code, one.message) == (finding.code, finding.message))
    return next(same, None)


def by_whom(one: Acknowledgement) -> str:
    """For people: who accepted it, and on which day."""
    return f"by {one.acknowledged_by} on {one.acknowledged_at:%Y-%m-%d}"


class Acknowledgements(Protocol):
    """Who accepts what. Each method is one transaction."""

    def of_instance(self, instance_id: InstanceId) -> Sequence[Acknowledgement]: ...

    def add(self, instance_id: InstanceId, given: Sequence[Acknowledgement]) -> None:
        """Store them; what was accepted in the same words before stays as it was."""

    def withdraw(self, instance_id: InstanceId, code: str) -> bool:
        """Forget all of a code, in whatever words; False: there was none."""
