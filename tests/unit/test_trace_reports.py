"""What is read at GitHub of a trace."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from app.core.assignments import Policies
from app.core.checks import AnnotationLevel, Conclusion
from app.core.runs import MigrationResult
from app.core.trace_findings import Gap, Judgement, judge
from app.core.traces import Connection, Lock, Size, Statement, Trace
from app.operations.checks import migration_reports, trace_reports, trace_words
from app.web.api.run_models import TraceGiven
from tests.unit.test_reports import DATABASE, FAILED, LATER, STORY

STRICT = Policies(no_rewrite_above="100MB", no_block_above="1000000")
SIZES = {
    "public.users": Size(rows=1_200_000, bytes=310 * 1024**2),
    "public.tags": Size(rows=12, bytes=8192),
    "public.fresh": Size(rows=-1, bytes=0),
}
LOCK = {"relation": "public.t", "mode": "SHARE", "rows": -1, "bytes": 0}
ONE = {"sql": "x", "ms": 1, "held_ms": 1, "transaction": 1}
WROTE = {"first": 1, "last": 2, "count": 2, "wal_bytes": 12}
UNTRACED = Trace(untraced="nobody came", is_unused=True)


def statement(
    sql: str, mode: str, table: str = "public.users", *, rewrites: bool = False, **changes: Any
) -> Statement:
    told: dict[str, Any] = {
        "sql": sql,
        "ms": 1.5,
        "held_ms": 2.0,
        "transaction": 1,
        "locks": (Lock(relation=table, kind="r", mode=mode, rows=0, bytes=0),),
        "rewrites": (table,) if rewrites else (),
        "file": "db/1.sql",
        "line": 3,
    }
    return Statement(**told | changes)


TYPE = statement("ALTER TABLE users ALTER a TYPE bigint", "ACCESS EXCLUSIVE", rewrites=True)
INDEX = statement("CREATE INDEX i ON users (a)", "SHARE", line=4)
SMALL = statement("ALTER TABLE tags DROP a", "ACCESS EXCLUSIVE", "public.tags", line=5)


NEW = statement("ALTER TABLE fresh DROP a", "ACCESS EXCLUSIVE", "public.fresh", line=6)
LOOP = Statement(
    sql="DO $$ BEGIN FOR a IN SELECT b FROM c LOOP EXECUTE a; END LOOP; END $$",
    ms=1,
    held_ms=1,
    transaction=1,
    tag="DO",
    may_lock_more=True,
)


REINDEXES = [
    replace(LOOP, sql=f"REINDEX {what} users", tag="REINDEX")
    for what in ("SCHEMA", "TABLE CONCURRENTLY", "(VERBOSE)\nSCHEMA concurrently")
]


def judged(*statements: Statement, policies: Policies = STRICT, **changes: Any) -> Judgement:
    return judge(Trace(statements=statements, **changes), SIZES, policies)


def test_a_later_app_carries_its_id_in_the_name() -> None:
    assert trace_reports.trace_check_name(STORY.app) == "trace"
    assert trace_reports.trace_check_name(LATER) == "trace (docs)"


@pytest.mark.parametrize(
    ("found", "conclusion", "title"),
    [
        (
            judged(TYPE, INDEX),
            Conclusion.FAILURE,
            "Against a rule: 1 rewrite, 1 lock that blocks",
        ),
        (
            judged(INDEX, replace(INDEX, at_ms=9)),
            Conclusion.FAILURE,
            "Against a rule: 2 locks that block writes",
        ),
        (judged(SMALL), Conclusion.SUCCESS, "In production: 1 lock that blocks reads and writ"),
        (judged(replace(TYPE, accepted="x")), Conclusion.SUCCESS, "Accepted: 1 rewrite"),
        (judged(TYPE, policies=Policies()), Conclusion.SUCCESS, "In production: 1 rewrite"),
        (judged(), Conclusion.SUCCESS, "0 statements: in production no table lock blocks"),
        (
            judge(Trace(statements=(TYPE,)), None, STRICT),
            Conclusion.NEUTRAL,
            "1 rewrite",
        ),
        (judge(UNTRACED, SIZES, STRICT), Conclusion.NEUTRAL, "Nothing was traced"),
        (
            judge(Trace(was_empty=True), SIZES, STRICT),
            Conclusion.NEUTRAL,
            "Nothing to compare: the database was empty",
        ),
        (
            judge(UNTRACED, SIZES, STRICT, others=[Trace(statements=(TYPE,))]),
            Conclusion.FAILURE,
            "Against a rule: 1 rewrite",
        ),
        (
            judged(connections=(Connection(database="d", user="u", untraced="GSS"),)),
            Conclusion.NEUTRAL,
            "Nothing was traced",
        ),
        (judged(NEW), Conclusion.NEUTRAL, "In production: 1 lock that blocks reads"),
        (judged(NEW, policies=Policies()), Conclusion.SUCCESS, "In production: 1 lock"),
        (judged(replace(NEW, accepted="x")), Conclusion.SUCCESS, "Accepted: 1 lock"),
        (judged(LOOP), Conclusion.NEUTRAL, "1 statement: in production no table lock blocks"),
        (judged(LOOP, policies=Policies()), Conclusion.SUCCESS, "1 statement: in production"),
        (judged(replace(LOOP, accepted="x")), Conclusion.SUCCESS, "1 statement: in production"),
        (judged(*REINDEXES[:1]), Conclusion.NEUTRAL, "1 statement: in production"),
        (judged(*REINDEXES[1:]), Conclusion.SUCCESS, "2 statements: in production"),
        (judged(replace(SMALL, more_relations=3)), Conclusion.NEUTRAL, "In production: 1 lock"),
        (
            replace(judged(), gaps=(Gap.BEFORE,)),
            Conclusion.NEUTRAL,
            "0 statements: in production no table lock blocks and nothing is rewritten; but not",
        ),
    ],
)
def test_only_a_rule_that_is_broken_fails_the_check(
    found: Judgement, conclusion: Conclusion, title: str
) -> None:
    content = trace_reports.finished(STORY, found)

    assert content.conclusion is conclusion
    assert content.title.startswith(title)


def test_the_worst_stands_first_with_the_size_in_production_and_the_safer_way() -> None:
    content = trace_reports.finished(
        STORY, judged(INDEX, replace(TYPE, held_ms=4_000.0), more_statements=3)
    )

    head, rule, first, second, *_ = content.summary.partition("| Statement")[2].splitlines()
    assert "In production" in head
    assert rule.startswith("|---")
    assert first == (
        "| `ALTER TABLE users ALTER a TYPE bigint` | 1.5 ms | 4.0 s | **reads and writes** |"
        " `users` | 1.2 M rows, 310 MB | **yes** |"
    )
    assert second.startswith("| `CREATE INDEX i ON users (a)` |")
    assert "`db/1.sql:3`: rewrites and blocks reads and writes of `users`" in content.summary
    assert "That is against `--no-rewrite-above 100MB` and `--no-block-above 1000000`." in (
        content.summary
    )
    assert "its locks were held for 4.0 s" in content.summary
    assert "**Instead:** `CREATE INDEX CONCURRENTLY`" in content.summary
    assert "#SQL-CREATEINDEX-CONCURRENTLY)" in content.summary
    assert "Of 3 statements nothing was kept." in content.summary


def test_what_holds_a_lock_is_named_and_what_is_not_known() -> None:
    work = Statement(sql="UPDATE users SET a = id", ms=0.1, held_ms=0.1, transaction=1)
    found = judged(TYPE, work, replace(work, sql="SELECT a FROM users"), NEW)
    told = replace(found, gaps=(Gap.BEFORE,), measured_at=datetime(2026, 11, 23, 8, tzinfo=UTC))

    content = trace_reports.finished(STORY, told)

    held = "works on rows, the longer the more there are: {} and 1 more. Commit it before the rest."
    assert held.format("`UPDATE users SET a = id`") in content.summary
    assert held.format("UPDATE users SET a = id") in content.annotations[0].message
    assert "Production's sizes are those of 2026-11-23 08:00 UTC." in content.summary
    assert "\n- No rule could be held against 1 table whose size" in f"\n{content.summary}"
    assert "\n- Migrations before this one ran in the branch's database" in content.summary


def test_annotations_stand_at_the_statements_and_say_how_grave_it_is() -> None:
    content = trace_reports.finished(
        STORY,
        judged(TYPE, replace(INDEX, accepted="at night"), SMALL, replace(INDEX, file="", line=0)),
    )

    assert [(one.path, one.line, one.level) for one in content.annotations] == [
        ("db/1.sql", 3, AnnotationLevel.FAILURE),
        ("db/1.sql", 5, AnnotationLevel.NOTICE),
        ("db/1.sql", 4, AnnotationLevel.NOTICE),
    ]
    first, _, last = content.annotations
    assert first.title == (
        "Rewrites and blocks reads and writes of users (production: 1.2 M rows, 310 MB)"
    )
    assert first.message.endswith("#SQL-ALTERTABLE-DESC-SET-DATA-TYPE")
    assert last.message.startswith("Accepted: at night. ")


def test_without_a_rule_an_annotation_warns() -> None:
    content = trace_reports.finished(STORY, judged(TYPE, policies=Policies()))

    assert [one.level for one in content.annotations] == [AnnotationLevel.WARNING]


@pytest.mark.parametrize("file", ["/etc/passwd", "../1.sql", "a\nb", "a//b", "\u202e"])
def test_no_annotation_stands_where_github_would_refuse_it(file: str) -> None:
    assert not trace_reports.finished(STORY, judged(replace(TYPE, file=file))).annotations


def test_what_is_accepted_is_shown_with_its_reason() -> None:
    content = trace_reports.finished(STORY, judged(replace(TYPE, accepted="`night` @octocat")))

    assert "**Accepted** in the migration: `` `night` @octocat ``." in content.summary


def test_a_public_repository_is_told_kinds_and_counts_alone() -> None:
    story = replace(STORY, shows_log=False)
    secret = [TYPE, replace(INDEX, accepted="at night"), SMALL]
    found = judged(*secret, connections=(Connection(database="d", user="u", untraced="GSS"),))

    content = trace_reports.finished(story, found)

    check = migration_reports.finished(replace(story, judged=found))
    job = trace_words.job_summary(DATABASE, found, shows_names=False)
    told = str(content) + check.summary + job + trace_words.line(found, shows_names=False)
    for name in ("users", "tags", "bigint", "at night", "1.sql", "1.2 M", "310 MB", "GSS"):
        assert name not in told
    assert content.conclusion is Conclusion.FAILURE
    assert "#### A column of another type\n\n- 1 rewrite, 1 against a rule" in content.summary
    assert "- 1 lock that blocks writes, 1 accepted" in content.summary
    assert "Locks and rewrites: 1 rewrite, 1 lock that blocks reads and writes, 1 lock that" in (
        check.summary
    )


HOSTILE = "x` | <!-- @octocat\n| a | [b](http://evil.example) \u202e\x1b[31m"


def test_hostile_texts_stay_code_and_on_their_line() -> None:
    one = statement(HOSTILE, "SHARE", HOSTILE, accepted=HOSTILE, file=HOSTILE)
    found = judge(Trace(statements=(one,)), {HOSTILE: Size(rows=1, bytes=1)}, STRICT)

    content = trace_reports.finished(STORY, found)

    [row] = [line for line in content.summary.splitlines() if line.startswith("| `")]
    assert row.count("|") == 8
    assert "\u202e" not in content.summary + content.title
    assert "`` x` | <!-- @octocat | a | [b](http://evil.example)" in content.summary


def test_the_migrations_own_check_has_the_ten_worst_and_its_own_result() -> None:
    story = replace(STORY, judged=judged(*[INDEX] * 11, TYPE))

    content = migration_reports.finished(story)

    assert content.conclusion is Conclusion.FAILURE
    assert content.summary.count("\n| `") == 10
    assert "\n| `ALTER TABLE users ALTER a TYPE bigint` |" in content.summary
    assert "And 2 more." in content.summary


def test_a_command_that_failed_and_never_came_is_told_that_first() -> None:
    story = replace(STORY, judged=judge(UNTRACED, SIZES, STRICT))

    failed = migration_reports.finished(story).summary
    fine = migration_reports.finished(
        replace(story, migration=replace(FAILED, result=MigrationResult.SUCCESS, exit_code=0))
    ).summary

    assert failed.startswith("**No connection came to the trace")
    assert "with:\n  trace: off" in failed
    assert "docker run --network host" in failed
    assert "No connection" not in fine


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            judged(TYPE, INDEX, INDEX),
            "1 rewrite of `users` (production: 1.2 M rows, 310 MB), 2 locks that block writes",
        ),
        (judged(INDEX), "1 lock that blocks writes"),
        (
            judge(Trace(statements=(TYPE,)), {"public.users": Size(rows=-1, bytes=0)}, STRICT),
            "1 rewrite of `users` (production: size not estimated yet)",
        ),
        (
            judge(Trace(statements=(TYPE, TYPE)), None, STRICT),
            "2 rewrites of `users`",
        ),
        (judged(), ""),
        (judge(UNTRACED, SIZES, STRICT), ""),
    ],
)
def test_a_line_for_the_comment(found: Judgement, line: str) -> None:
    assert trace_words.line(found, shows_names=True) == line


def test_the_jobs_summary_says_it_of_its_database() -> None:
    told = trace_words.job_summary(DATABASE, judged(TYPE), shows_names=True)
    untold = trace_words.job_summary(DATABASE, judged(), shows_names=True)

    assert told.startswith(f"**`{DATABASE.name}`**\n\nLocks and rewrites: 1 rewrite.\n\n| State")
    assert untold.endswith(
        "0 statements: in production no table lock blocks and nothing is rewritten."
    )


@pytest.mark.parametrize(
    "given",
    [
        *({name: 10**30} for name in ("more_statements", "more_changes", "wal_bytes")),
        *({"statements": [ONE | {name: 10**30}]} for name in ("times", "rows", "transaction")),
        *({"statements": [ONE | {name: -1}]} for name in ("line", "more_relations")),
        *({"transactions": [WROTE | {name: -1}]} for name in WROTE),
        {"transactions": [WROTE] * 501},
        {"statements": [ONE | {"rewrites": ["public.t"] * 501}]},
        {"statements": [ONE | {"locks": [LOCK | {"bytes": -1}]}]},
    ],
)
def test_a_trace_with_numbers_beyond_all_bounds_is_not_taken(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TraceGiven.model_validate(given)
    TraceGiven.model_validate({"statements": [ONE | {"locks": [LOCK]}], "transactions": [WROTE]})
