"""The check run of a trace: what a migration would do to production's tables. Pure."""

from collections.abc import Callable, Iterable, Sequence

from app.core import amounts
from app.core import trace_terms as terms
from app.core.assignments import App
from app.core.checks import Annotation, AnnotationLevel, CheckContent, Conclusion
from app.core.markdown import code, link, visible
from app.core.trace_findings import Finding, Gap, Judgement, Touch
from app.core.traces import Blocks, counted
from app.operations.checks import trace_words as words
from app.operations.checks.migration_reports import Story
from app.operations.checks.reports import database_words

_MOST_ANNOTATIONS = 50
_MOST_LINES_OF_A_FILE = 1_000_000
_UNKNOWN_SIZES = (
    "How large production's tables are is not known yet: the next migration of production tells it."
)
_GAPS = {
    Gap.BEFORE: (
        "Migrations before this one ran in the branch's database without a trace, or were not seen"
        " as a whole: what they locked is not known. `/db reset` has them run, and traced, anew."
    ),
    Gap.ELSEWHERE: (
        "Another branch may have brought commits of this one to preview before, and what they did"
        " there is not known."
    ),
}
_PUBLIC = (
    "Statements, tables and sizes are not shown in a public repository (`--log public` changes"
    " that)."
)


def trace_check_name(app: App) -> str:
    """`trace`, for a later app of the repository with its id."""
    return "trace" if app.has_bare_checks else f"trace ({app.id})"


def finished(story: Story, judged: Judgement) -> CheckContent:
    """What a migration would do to production's tables; it fails where that breaks a rule."""
    return CheckContent(
        name=trace_check_name(story.app),
        conclusion=_conclusion(judged),
        title=_title(judged),
        summary="\n\n".join(part for part in _summary(story, judged) if part),
        details_url=story.job_url,
        annotations=tuple(_annotations(judged)) if story.shows_log else (),
        started_at=story.migration.started_at,
        completed_at=story.migration.finished_at,
    )


def skipped(app: App, *, why: str) -> CheckContent:
    """Nothing will be traced here, so that a required check does not wait for it."""
    return CheckContent(
        name=trace_check_name(app),
        conclusion=Conclusion.SKIPPED,
        title="No trace",
        summary=f"No migration of this commit was traced. {why}",
    )


def _conclusion(judged: Judgement) -> Conclusion:
    if judged.failing:
        return Conclusion.FAILURE
    return Conclusion.NEUTRAL if judged.is_incomplete else Conclusion.SUCCESS


def _title(judged: Judgement) -> str:
    if judged.failing:
        return f"Against a rule: {words.counts(judged.failing)}"
    if not judged.told:
        if judged.is_untraced:
            return terms.untraced(judged.trace)
        is_sure = judged.is_blind or not judged.is_incomplete
        return words.nothing(judged) + ("" if is_sure else "; but not all is known")
    is_accepted = judged.findings and all(one.statement.accepted for one in judged.findings)
    where = "Accepted: " if is_accepted else "In production: " if judged.production else ""
    return where + words.counts(judged.told)


def _summary(story: Story, judged: Judgement) -> list[str]:
    shows = story.shows_log
    if judged.is_untraced and not judged.told:
        return [words.why_untraced(judged, shows_names=shows), _more(story)]
    where = f"{database_words(story.database)}, traced: {words.seen(judged)}."
    told = words.counts(judged.told)
    return [
        f"{where} {told}.{_beside(judged)}" if told else where,
        _sizes(judged, shows=shows),
        _incomplete(judged, shows_names=shows),
        words.table(judged, most=words.MOST_LINES) if shows else "",
        *_findings(judged, shows_names=shows),
        "" if shows or not told else _PUBLIC,
        _more(story),
    ]


def _sizes(judged: Judgement, *, shows: bool) -> str:
    if judged.production is None:
        return _UNKNOWN_SIZES
    if not (shows and judged.findings and judged.measured_at):
        return ""
    return f"Production's sizes are those of {judged.measured_at:%Y-%m-%d %H:%M} UTC."


def _beside(judged: Judgement) -> str:
    number = sum(one.is_earlier for one in judged.told)
    if not number:
        return ""
    return (
        f" {number} of them were traced at earlier commits of this branch, or on preview: they"
        " count until production has them, or until the database in which they ran is reset"
        " (`/db reset` for the branch's own) and the migrations run again as they are now."
    )


def _incomplete(judged: Judgement, *, shows_names: bool) -> str:
    trace, parts = judged.trace, []
    if judged.untraced:
        parts.append(words.incomplete(judged, shows_names=shows_names))
    if trace.more_statements:
        parts.append(f"Of {amounts.counted(trace.more_statements, 'statement')} nothing was kept.")
    if more := sum(one.more_relations for one in trace.statements):
        parts.append(f"{amounts.counted(more, 'relation')} more were locked than is told.")
    if hiding := sum(one.may_lock_more for one in trace.statements):
        parts.append(
            f"{amounts.counted(hiding, 'statement')} may have locked more: locks that come and go"
            " within one are not seen."
        )
    if counted(trace).is_hiding:
        parts.append(
            "A `DO`, `CALL` or `REINDEX` blocked nobody here, where there may be no rows to loop"
            " over."
        )
    if judged.is_blind and judged.told:
        parts.append(f"{words.nothing(judged)}.")
    if judged.unmeasured:
        tables = len({one.table for one in judged.unmeasured})
        parts.append(
            f"No rule could be held against {amounts.counted(tables, 'table')} whose size"
            " production does not know: `ANALYZE` there, then its next migration, tells it."
        )
    parts += [_GAPS[one] for one in judged.gaps]
    return "\n".join(f"- {part}" for part in parts) if parts[1:] else "".join(parts)


def _findings(judged: Judgement, *, shows_names: bool) -> list[str]:
    """By what is done instead, which is told once for all that it is said of."""
    by_way: dict[str, list[Finding]] = {}
    shown = judged.findings[: words.MOST_LINES] if shows_names else judged.findings
    for one in shown:
        by_way.setdefault(one.way.kind, []).append(one)
    parts = []
    for kind, found in by_way.items():
        way = found[0].way
        items = "\n".join(f"- {_item(one)}" for one in found) if shows_names else _number(found)
        source = link("PostgreSQL's documentation", way.source)
        parts.append(f"#### {kind}\n\n{items}\n\n{way.why} **Instead:** {way.instead} ({source})")
    more = len(judged.findings) - len(shown)
    return [*parts, f"And {more} more."] if more else parts


def _number(found: Sequence[Finding]) -> str:
    accepted = sum(bool(one.statement.accepted) for one in found)
    failing = sum(one.fails for one in found)
    told = [f"{words.counts(found)}"]
    told += [f"{failing} against a rule"] if failing else []
    told += [f"{accepted} accepted"] if accepted else []
    return f"- {', '.join(told)}"


def _item(one: Finding) -> str:
    statement = one.statement
    place = f", {code(f'{statement.file}:{statement.line}')}" if statement.file else ""
    parts = [f"{code(words.cut(statement.sql))}{place}: {_does(one, code(words.short(one.table)))}"]
    if one.broken:
        rules = " and ".join(code(rule) for rule in one.broken)
        parts.append(f"That is against {rules}.")
    if statement.accepted:
        parts.append(f"**Accepted** in the migration: {code(words.cut(statement.accepted))}.")
    if one.is_held_on:
        parts.append(_held(one, code))
    return " ".join(parts)


def _does(one: Finding, table: str) -> str:
    blocks = "" if one.blocks is Blocks.NOTHING else f"blocks {one.blocks} of"
    verbs = " and ".join(filter(None, ["rewrites" if one.is_rewritten else "", blocks]))
    return f"{verbs} {table} (production: {terms.size(one.production)})."


def _held(one: Touch, write: Callable[[str], str]) -> str:
    """What is done under its locks, with the other statement's text written so."""
    if one.under:
        more = f" and {len(one.under) - 1} more" if one.under[1:] else ""
        return (
            "Its locks are held while what follows in its transaction works on rows, the longer the"
            f" more there are: {write(words.cut(one.under[0]))}{more}. Commit it before the rest."
        )
    took = amounts.duration(one.statement.ms / 1000)
    held = amounts.duration(one.statement.held_ms / 1000)
    return (
        f"It took {took}, but its locks were held for {held}: what followed in its transaction ran"
        " under them, and with production's rows that takes longer. Commit it before the rest."
    )


def _annotations(judged: Judgement) -> Iterable[Annotation]:
    now = (one for one in judged.findings if not one.is_earlier)
    placed = [one for one in now if _is_place(one)]
    for one in placed[:_MOST_ANNOTATIONS]:
        reason = one.statement.accepted
        accepted = f"Accepted: {visible(words.cut(reason))}. " if reason else ""
        held = f" {_held(one, visible)}" if one.is_held_on else ""
        yield Annotation(
            path=one.statement.file,
            line=one.statement.line,
            level=_level(one),
            title=_title_of(one),
            message=f"{accepted}{one.way.why}{held} Instead: {one.way.instead} {one.way.source}",
        )


def _title_of(one: Finding) -> str:
    does = _does(one, visible(words.short(one.table)))
    return does[0].upper() + does[1:-1]


def _is_place(one: Finding) -> bool:
    """Whether GitHub would take it: one that it refuses would cost the whole check."""
    file, line = one.statement.file, one.statement.line
    is_path = visible(file) == file and not {"", ".", ".."}.intersection(file.split("/"))
    return is_path and 0 < line < _MOST_LINES_OF_A_FILE


def _level(one: Finding) -> AnnotationLevel:
    if one.fails:
        return AnnotationLevel.FAILURE
    is_meant = one.statement.accepted or one.is_ruled
    return AnnotationLevel.NOTICE if is_meant else AnnotationLevel.WARNING


def _more(story: Story) -> str:
    if story.run_url is None:
        return ""
    return f"{link('The dashboard', story.run_url)} has all of it, as a time line."
