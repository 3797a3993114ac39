"""What a traced migration would do to the tables of production, and which rules that breaks."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from app.core import thresholds
from app.core.assignments import Policies
from app.core.safer_ways import SaferWay, safer_way
from app.core.traces import WORST_FIRST, Blocks, Lock, Size, Statement, Trace, counted

_HURT = {
    "r": (Blocks.READS, Blocks.WRITES),
    "p": (Blocks.READS, Blocks.WRITES),
    "m": (Blocks.READS,),
    "i": (Blocks.READS,),
    "S": (Blocks.WRITES,),
}
"""By pg_class.relkind, what hurts when it is blocked: nobody writes to a materialized view.

Whoever reads a table is planned with all its indexes, and whoever adds a row asks its sequences.
"""
_DEFINING = frozenset({"ALTER", "CLUSTER", "CREATE", "DROP", "REINDEX", "TRUNCATE"})
_MOST_READ = 500
"""Characters of a statement, from which it is read what is done instead."""
_QUOTED_WORD = re.compile(r'"([a-z_][a-z0-9_]*)"')
_LONG_MS = 50.0
"""A lock is held on if its transaction went on for that long, and for as long again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A statement that rewrote a table, or blocked reads or writes of it."""

    statement: Statement
    table: str
    """With its schema, as `Lock.relation`."""
    is_rewritten: bool
    blocks: Blocks
    is_earlier: bool
    """Another trace tells it: of a commit before, or of preview."""

    @property
    def is_held_on(self) -> bool:
        """Whether the locks were held much longer than the statement itself took."""
        after_ms = self.statement.held_ms - self.statement.ms
        return after_ms >= max(_LONG_MS, self.statement.ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(Touch):
    """The same on a table that production has."""

    production: Size
    broken: tuple[str, ...]
    """Rules of the assignment, as they are written on the command line."""
    is_ruled: bool
    """A rule says from which size on it would be broken."""
    way: SaferWay

    @property
    def fails(self) -> bool:
        """Whether it breaks a rule, and nobody accepted that."""
        return bool(self.broken) and not self.statement.accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A trace, held against production's tables and the assignment's rules."""

    trace: Trace
    touches: tuple[Touch, ...]
    """The worst first."""
    findings: tuple[Finding, ...]
    """Those that break a rule first, then the worst."""
    production: Mapping[str, Size] | None
    """Its tables by name; None: not known yet."""
    policies: Policies

    @property
    def told(self) -> tuple[Touch, ...]:
        """What concerns production, as far as that is known."""
        return self.touches if self.production is None else self.findings

    @property
    def failing(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.fails)

    @property
    def untraced(self) -> tuple[str, ...]:
        """Why nothing, or not all, was seen, in the Action's words."""
        reasons = [self.trace.untraced, *(one.untraced for one in self.trace.connections)]
        return tuple(dict.fromkeys(reason for reason in reasons if reason))

    @property
    def is_untraced(self) -> bool:
        """Whether nothing was seen, though something was to be."""
        return bool(self.untraced) and not self.trace.statements

    @property
    def is_blind(self) -> bool:
        """Whether an empty database was filled, by nothing that the commit is known to add."""
        return counted(self.trace).is_blind

    @property
    def is_incomplete(self) -> bool:
        """Whether it could not be judged as a whole."""
        is_without_sizes = self.policies.has_rules_for_traces and self.production is None
        # What is quiet is left out first: if some of it is there, all that matters is.
        is_cut = self.trace.more_statements > 0 and all(
            one.locks or one.rewrites or one.error for one in self.trace.statements
        )
        is_blind = self.is_blind and not self.told
        return bool(self.untraced) or is_without_sizes or is_cut or is_blind

    @property
    def is_without_connection(self) -> bool:
        """Whether the command never came through the proxy."""
        return self.trace.is_unused


def judge(
    trace: Trace,
    production: Mapping[str, Size] | None,
    policies: Policies,
    *,
    others: Iterable[Trace] = (),
) -> Judgement:
    """Find what a migration does to tables of production. Invalid rules are not kept, so not here.

    Args:
        production: Its tables by the names that locks have; None: not known yet, nothing is found.
        others: What was traced of the same branch besides, and production lacks as well.
    """
    found = [touch for one in trace.statements for touch in _touches(one, is_earlier=False)]
    for one in _committed_beside(trace, others):
        found += _touches(one, is_earlier=True)
    found.sort(key=_badness)
    known = {_bare(name): size for name, size in (production or {}).items()}
    findings = [
        _finding(touch, known[_bare(touch.table)], policies)
        for touch in found
        if _bare(touch.table) in known
    ]
    findings.sort(
        key=lambda one: (not one.fails, bool(one.statement.accepted), *_badness_there(one))
    )
    return Judgement(
        trace=trace,
        touches=tuple(found),
        findings=tuple(findings),
        production=production,
        policies=policies,
    )


def with_acceptance_that_counts(trace: Trace) -> Trace:
    """Forget the reason beside a statement under whose locks more is done that has none.

    A lock is told with the first statement of its transaction that takes it.
    """
    statements = trace.statements
    return replace(
        trace,
        statements=tuple(
            replace(one, accepted="") if _goes_on(one, statements[at + 1 :]) else one
            for at, one in enumerate(statements)
        ),
    )


def _goes_on(statement: Statement, later: Iterable[Statement]) -> bool:
    if not statement.accepted:
        return False
    tables = {touch.table.rpartition(".")[2] for touch in _touches(statement, is_earlier=False)}
    names = "|".join(re.escape(name.strip('"')) for name in tables)
    name = re.compile(rf"\b(?:{names})\b", re.IGNORECASE)
    return bool(tables) and any(
        other.transaction == statement.transaction
        and not other.accepted
        and other.tag.partition(" ")[0] in _DEFINING
        and name.search(other.sql)
        for other in later
    )


def _committed_beside(trace: Trace, others: Iterable[Trace]) -> Iterator[Statement]:
    """The statements of other traces that took effect, and are not told already."""
    known = {_likeness(one) for one in trace.statements}
    for one in (each for other in others for each in other.statements):
        if not one.rolled_back and _likeness(one) not in known:
            known.add(_likeness(one))
            yield one


def _bare(name: str) -> str:
    """Without the quotes that keywords have: the words of a statement may have them, or not."""
    return _QUOTED_WORD.sub(r"\1", name)


def _touches(statement: Statement, *, is_earlier: bool) -> Iterator[Touch]:
    blocked: dict[str, Blocks] = {}
    for lock in statement.locks:
        table, blocks = _felt(lock)
        if blocks in _HURT.get(lock.kind, ()):
            blocked[table] = min(blocks, blocked.get(table, blocks), key=WORST_FIRST.index)
    for table in dict.fromkeys([*statement.rewrites, *blocked]):
        yield Touch(
            statement=statement,
            table=table,
            is_rewritten=table in statement.rewrites,
            # A rewrite needs it, though a statement before it may have taken it.
            blocks=blocked.get(table, Blocks.READS),
            is_earlier=is_earlier,
        )


def _felt(lock: Lock) -> tuple[str, Blocks]:
    """Say of which table others feel a lock, and what they cannot do with it."""
    if lock.kind == "i":
        return lock.table, lock.blocks if lock.table else Blocks.NOTHING
    if lock.kind == "S":
        is_felt = lock.table and lock.blocks is not Blocks.NOTHING
        return lock.table, Blocks.WRITES if is_felt else Blocks.NOTHING
    return lock.relation, lock.blocks


def _likeness(one: Statement) -> tuple[object, ...]:
    """The same for a statement that came again: its text has lost its values."""
    return (one.sql, one.file, frozenset(lock.relation for lock in one.locks), one.rewrites)


def _badness(touch: Touch) -> tuple[bool, int, float]:
    return (not touch.is_rewritten, WORST_FIRST.index(touch.blocks), -touch.statement.held_ms)


def _badness_there(one: Finding) -> tuple[bool, int, int, float]:
    is_kept, blocks, held = _badness(one)
    return (is_kept, blocks, -one.production.bytes, held)


def _finding(touch: Touch, production: Size, policies: Policies) -> Finding:
    rules = []
    if touch.is_rewritten:
        rules.append(("--no-rewrite-above", policies.no_rewrite_above))
    if touch.blocks is not Blocks.NOTHING:
        rules.append(("--no-block-above", policies.no_block_above))
    given = [(option, text, thresholds.parse(text)) for option, text in rules]
    return Finding(
        statement=touch.statement,
        table=touch.table,
        is_rewritten=touch.is_rewritten,
        blocks=touch.blocks,
        is_earlier=touch.is_earlier,
        production=production,
        broken=tuple(
            f"{option} {text}"
            for option, text, threshold in given
            if threshold is not None and threshold.is_passed_by(production)
        ),
        is_ruled=any(threshold is not None for _, _, threshold in given),
        way=safer_way(touch.statement.sql[:_MOST_READ], is_rewritten=touch.is_rewritten),
    )
