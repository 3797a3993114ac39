"""What a traced migration would do to the tables of production, and which rules that breaks."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from app.core import thresholds
from app.core.assignments import Policies
from app.core.safer_ways import SaferWay, safer_way
from app.core.trace_history import likeness
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
_WORKING = frozenset(
    {"CALL", "COPY", "DELETE", "DO", "INSERT", "MERGE", "SELECT", "UPDATE", "WITH"}
)
"""What reads or changes rows, or may."""
_OF_ALL_ROWS = re.compile(
    r"(?i:CREATE (UNIQUE )?INDEX\b|REINDEX\b|CLUSTER\b|REFRESH\b|ALTER TABLE\b.*(\bVALIDATE\b"
    r"|\b(CHECK|EXCLUDE|FOREIGN KEY|PRIMARY KEY|SET NOT NULL|UNIQUE)\b(?!.*\bNOT VALID\b)))"
)
_FROM_OTHER_ROWS = re.compile(r"\b(SELECT|TABLE)\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_MOST_WORK = 100
_LARGE = Size(rows=10_000, bytes=1024**2)
"""Of a table above it, work on its rows takes a while."""
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
    under: tuple[str, ...] = ()
    """Statements that follow in its transaction, and take the longer the more rows there are."""

    @property
    def is_held_on(self) -> bool:
        """Whether the locks are held, here or in production, much longer than it itself takes."""
        if self.under:
            return True
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
    is_unmeasured: bool
    """A rule says so, but nobody knows the table's size."""
    way: SaferWay

    @property
    def fails(self) -> bool:
        """Whether it breaks a rule, and nobody accepted that."""
        return bool(self.broken) and not self.statement.accepted


class Gap(Enum):
    """What is not known of a branch, beside its traces."""

    BEFORE = auto()
    """What migrations before did in the same database."""
    ELSEWHERE = auto()
    """What preview saw of this branch's commits when others brought them there."""


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
    measured_at: datetime | None = None
    """When its sizes were read; None: not known."""
    gaps: tuple[Gap, ...] = ()

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
    def unmeasured(self) -> tuple[Finding, ...]:
        """Those that a rule is about, and that nobody accepted, on tables of unknown size."""
        return tuple(
            one for one in self.findings if one.is_unmeasured and not one.statement.accepted
        )

    @property
    def is_incomplete(self) -> bool:
        """Whether it could not be judged as a whole."""
        counts = counted(self.trace)
        is_unruly = self.policies.has_rules_for_traces and (
            self.production is None or bool(self.unmeasured) or counts.is_hiding
        )
        return counts.is_partial or counts.is_blind or bool(self.gaps) or is_unruly

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
    large = {_plain(name) for name, size in (production or {}).items() if _is_large(size)}
    found = [
        touch
        for one, later in _once(trace)
        for touch in _touches(one, later, large, is_earlier=False)
    ]
    for one, later in _committed_beside(trace, others):
        found += _touches(one, later, large, is_earlier=True)
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


def short(trace: Trace) -> Trace:
    """What is told of it again at later commits: what blocks or rewrites, and works behind it."""
    kept = []
    blocking: set[int] = set()
    for one in trace.statements:
        if next(_touches(one), None) is not None:
            blocking.add(one.transaction)
            kept.append(one)
        elif one.transaction in blocking and _is_work(one):
            kept.append(one)
    return Trace(statements=tuple(kept))


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
    tables = {touch.table.rpartition(".")[2] for touch in _touches(statement)}
    names = "|".join(re.escape(name.strip('"')) for name in tables)
    name = re.compile(rf"\b(?:{names})\b", re.IGNORECASE)
    return bool(tables) and any(
        other.transaction == statement.transaction
        and not other.accepted
        and other.verb in _DEFINING | _WORKING
        and (other.verb == "CALL" or name.search(other.sql))
        for other in later
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """A statement that takes the longer, the more rows there are."""

    sql: str
    words: Set[str] | None
    """In small letters: names of tables are among them. None: it may be any."""


def _with_work(trace: Trace) -> Sequence[tuple[Statement, Sequence[_Work]]]:
    """The statements, each with what works on rows behind it in its transaction."""
    behind: dict[int, list[_Work]] = {}
    found: list[tuple[Statement, Sequence[_Work]]] = []
    for one in reversed(trace.statements):
        later = behind.setdefault(one.transaction, [])
        found.append((one, later[: -_MOST_WORK - 1 : -1]))
        if _is_work(one):
            words = frozenset(word.lower() for word in _WORD.findall(one.sql))
            later.append(_Work(one.sql, None if one.verb == "CALL" else words))
    return found[::-1]


def _is_work(one: Statement) -> bool:
    if one.verb == "INSERT" and not _FROM_OTHER_ROWS.search(one.sql):
        return False
    is_of_all_rows = _OF_ALL_ROWS.match(" ".join(one.sql.split())) is not None
    return one.verb in _WORKING or bool(one.rewrites) or is_of_all_rows


def _once(trace: Trace) -> Iterator[tuple[Statement, Sequence[_Work]]]:
    """The statements but for those that were rolled back, and ran again and took effect."""
    committed = {_likeness(one) for one in trace.statements if not one.rolled_back}
    for one, later in _with_work(trace):
        if not (one.rolled_back and _likeness(one) in committed):
            yield one, later


def _committed_beside(
    trace: Trace, others: Iterable[Trace]
) -> Iterator[tuple[Statement, Sequence[_Work]]]:
    """The statements of other traces that took effect, and are not told already."""
    known = {_likeness(one) for one in trace.statements}
    for one, later in (each for other in others for each in _with_work(other)):
        if not one.rolled_back and _likeness(one) not in known:
            known.add(_likeness(one))
            yield one, later


def _bare(name: str) -> str:
    """Without the quotes that keywords have: the words of a statement may have them, or not."""
    return _QUOTED_WORD.sub(r"\1", name)


def _plain(name: str) -> str:
    """A table's name without its schema, as words of a statement are compared with it."""
    return name.rpartition(".")[2].strip('"').lower()


def _is_large(size: Size) -> bool:
    return size.rows > _LARGE.rows or size.bytes > _LARGE.bytes


def _touches(
    statement: Statement,
    later: Sequence[_Work] = (),
    large: Set[str] = frozenset(),
    *,
    is_earlier: bool = False,
) -> Iterator[Touch]:
    """Which tables it rewrites or blocks; what follows in its transaction works on these rows."""
    blocked: dict[str, Blocks] = {}
    for lock in statement.locks:
        table, blocks = _felt(lock)
        if blocks in _HURT.get(lock.kind, ()):
            blocked[table] = min(blocks, blocked.get(table, blocks), key=WORST_FIRST.index)
    for table in dict.fromkeys([*statement.rewrites, *blocked]):
        rows_of = large | {_plain(table)}
        yield Touch(
            statement=statement,
            table=table,
            is_rewritten=table in statement.rewrites,
            # A rewrite needs it, though a statement before it may have taken it.
            blocks=blocked.get(table, Blocks.READS),
            is_earlier=is_earlier,
            under=tuple(
                one.sql for one in later if one.words is None or not rows_of.isdisjoint(one.words)
            ),
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
    return (one.file, *likeness(one))


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
    passed = [
        (f"{option} {text}", threshold.is_passed_by(production))
        for option, text in rules
        if (threshold := thresholds.parse(text)) is not None
    ]
    return Finding(
        statement=touch.statement,
        table=touch.table,
        is_rewritten=touch.is_rewritten,
        blocks=touch.blocks,
        is_earlier=touch.is_earlier,
        under=touch.under,
        production=production,
        broken=tuple(rule for rule, is_passed in passed if is_passed),
        is_ruled=bool(passed),
        is_unmeasured=any(is_passed is None for _, is_passed in passed),
        way=safer_way(
            touch.statement.sql,
            is_rewritten=touch.is_rewritten,
            is_partitioned=any(
                lock.kind == "p" and lock.relation == touch.table for lock in touch.statement.locks
            ),
        ),
    )
