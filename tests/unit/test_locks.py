"""What a run's page tells of a trace: its lines, and how large the tables are in production."""

from dataclasses import replace

import pytest

from app.core.assignments import Policies, TracePolicy
from app.core.environments import Environment
from app.core.runs import MigrationResult
from app.core.traces import Connection, Lock, Size, Statement, Trace
from app.web.dashboard.locks import MOST_ROWS, locks_of, why_untraced
from tests.unit.test_reports import FAILED


def statement(*locks: Lock, sql: str = "SELECT 1", **more: object) -> Statement:
    return Statement(sql=sql, ms=1, held_ms=1, transaction=1, locks=locks, **more)  # type: ignore[arg-type]


def lock(relation: str, mode: str = "SHARE", kind: str = "r") -> Lock:
    return Lock(relation=relation, kind=kind, mode=mode, rows=0, bytes=0)


def test_tables_stand_with_all_their_modes_and_indexes_apart() -> None:
    trace = Trace(
        statements=(
            statement(
                lock("users"),
                lock("users", "ACCESS EXCLUSIVE"),
                lock("users_pkey", kind="i"),
                rewrites=("notes",),
            ),
        )
    )

    [line] = locks_of(trace).lines

    assert line.tables == {"notes": [], "users": ["SHARE", "ACCESS EXCLUSIVE"]}
    assert line.others == ["users_pkey"]


def test_sizes_of_production_stand_beside_the_tables_that_it_has() -> None:
    trace = Trace(statements=(statement(lock("users"), lock("new")),))
    size = Size(rows=1_200_000, bytes=310 * 1024**2)

    known = locks_of(trace, {"users": size, "else": size})

    assert [line.production for line in known.lines] == [{"users": size}]


def test_what_the_table_leaves_out_is_counted() -> None:
    trace = Trace(statements=(statement(),) * (MOST_ROWS + 5), more_statements=7)

    found = locks_of(trace)

    assert (len(found.lines), found.more) == (MOST_ROWS, 12)


def test_connections_that_are_alike_are_one() -> None:
    one = Connection(database="shop", user="job", application="psql", statements=3)
    other = Connection(database="postgres", user="job")

    found = locks_of(Trace(connections=(one, other, one)))

    assert [(each.database, count) for each, count in found.connections] == [
        ("shop", 2),
        ("postgres", 1),
    ]


def test_a_long_text_is_short_in_the_table_and_stays_whole_beside_it() -> None:
    sql = "ALTER TABLE users\n" + "  ADD COLUMN a int,\n" * 20

    [line] = locks_of(Trace(statements=(statement(sql=sql),))).lines

    assert len(line.brief) <= 160
    assert line.brief.startswith("ALTER TABLE users ADD COLUMN a int,")
    assert line.statement.sql == sql


@pytest.mark.parametrize(
    ("environment", "rule", "why"),
    [
        (Environment.BRANCH, None, "is off"),
        (Environment.BRANCH, TracePolicy.OFF, "is off"),
        (Environment.PRODUCTION, TracePolicy.OFF, "is off"),
        (Environment.PRODUCTION, TracePolicy.BRANCHES, "production is traced only where"),
        (Environment.PRODUCTION, TracePolicy.ALL, "sent no trace"),
        (Environment.PREVIEW, TracePolicy.BRANCHES, "sent no trace"),
    ],
)
def test_it_is_said_why_there_is_no_trace(
    environment: Environment, rule: TracePolicy | None, why: str
) -> None:
    policies = Policies(trace=rule) if rule else None

    assert why in why_untraced(replace(FAILED, environment=environment), policies)


@pytest.mark.parametrize("result", [None, MigrationResult.SKIPPED, MigrationResult.SUPERSEDED])
def test_where_no_command_has_ended_there_is_nothing_to_say(
    result: MigrationResult | None,
) -> None:
    assert why_untraced(replace(FAILED, result=result), None) == ""
