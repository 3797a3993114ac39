"""What was traced before: of a branch, and of others, by which its statements are known again."""

from collections.abc import Set
from dataclasses import dataclass, replace

from app.core.identifiers import CommitSha, MigrationId, RunId
from app.core.traces import Counts, Statement, Trace

_ONCE = frozenset({"ALTER", "CREATE", "DROP"})
"""What is done but once, as it fails when it is done again, or does nothing."""
Likeness = tuple[str, frozenset[str], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A migration that ran in a branch's database, or in preview, as either is now."""

    id: MigrationId
    run_id: RunId
    commit: CommitSha
    is_of_preview: bool
    is_own: bool
    """The branch's, since it has this database."""
    succeeded: bool
    traced: Counts | None
    """None: nobody saw it."""

    @property
    def is_telling(self) -> bool:
        return self.traced is not None and self.traced.is_telling

    @property
    def is_blind(self) -> bool:
        return self.traced is not None and self.traced.is_blind

    @property
    def is_partial(self) -> bool:
        """Whether it may have done what nobody saw; nothing is, if it never got to the trace."""
        if self.traced is None:
            return True
        return self.traced.is_partial and (self.succeeded or not self.traced.is_unused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The trace of a migration in another database, or before a branch had this one."""

    id: MigrationId
    commit: CommitSha
    trace: Trace
    is_in_production: bool
    """Its run migrated production."""

    @property
    def likenesses(self) -> Set[Likeness]:
        return {likeness(one) for one in self.trace.statements if not one.rolled_back}


def likeness(one: Statement) -> Likeness:
    """The same for a statement that came again, from whatever file: it has lost its values.

    Indexes that its own command made are named in one trace and not in another.
    """
    tables = frozenset(lock.relation for lock in one.locks if lock.kind not in {"i", "I"})
    return (one.sql, tables, one.rewrites)


def is_of_others(one: Statement) -> bool:
    """Whether it may be of another branch: no file of this one has it."""
    return not one.file and one.verb in _ONCE


def without_known(trace: Trace, squashed: Set[Likeness], merged: Set[Likeness]) -> Trace:
    """Leave out what production has had since, and what others brought there before.

    But for what may be done again and again.
    """

    def is_known(one: Statement) -> bool:
        is_squashed = one.verb in _ONCE and likeness(one) in squashed
        return is_squashed or (is_of_others(one) and likeness(one) in merged)

    return replace(trace, statements=tuple(one for one in trace.statements if not is_known(one)))
