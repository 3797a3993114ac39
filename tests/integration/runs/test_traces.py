"""What a traced run says at GitHub: on its commit, in its job, and in the comment."""

from typing import Any

import pytest

from demo.github.model import CheckRun
from tests.integration.runs.shop import Shop

SIZES = {"public.users": {"rows": 1_200_000, "bytes": 310 * 1024**2}}


def traced(
    sql: str, mode: str, *, line: int, rewrites: bool = False, **more: Any
) -> dict[str, Any]:
    lock = {"relation": "public.users", "kind": "r", "mode": mode, "rows": 0, "bytes": 0}
    return {
        "sql": sql,
        "ms": 0.5,
        "held_ms": 1000,
        "transaction": line,
        "locks": [lock],
        "rewrites": ["public.users"] if rewrites else [],
        "file": "db/1.sql",
        "line": line,
    } | more


TRACE = {
    "statements": [
        traced("ALTER TABLE users ALTER a TYPE bigint", "ACCESS EXCLUSIVE", line=1, rewrites=True),
        traced("CREATE INDEX i ON users (a)", "SHARE", line=2, accepted="at night"),
    ]
}


def posted(shop: Shop, sha: str) -> dict[str, CheckRun]:
    shop.world.settle()
    return {run.name: run for run in shop.github.check_runs(shop.repository, sha)}


@pytest.mark.usefixtures("production_and_preview")
def test_a_rule_that_is_broken_fails_a_check_of_its_own_and_nothing_else(shop: Shop) -> None:
    shop.set_policies(no_rewrite_above="100MB", no_block_above="1GB")
    main = shop.job("main").begun()
    main.migrate("preview")
    main.migrate("production", tables=SIZES)
    sha = shop.push("x")

    answer = shop.job("x").begun().migrate("branch", trace=TRACE)

    assert (answer["next"], answer["fails"]) == ("done", False)
    assert "1 rewrite, 1 lock that blocks writes" in answer["summary"]
    checks = posted(shop, sha)
    assert checks["migrate (branch)"].conclusion == "success"
    own = checks["trace"]
    assert (own.conclusion, own.output["title"]) == (
        "failure",
        "1 statement rewrites large tables",
    )
    assert "1.2 M rows, 310 MB" in own.output["summary"]
    assert [
        (one["path"], one["start_line"], one["annotation_level"]) for one in own.annotations
    ] == [
        ("db/1.sql", 1, "failure"),
        ("db/1.sql", 2, "notice"),
    ]


def test_a_check_that_may_be_required_is_answered_without_a_trace_too(shop: Shop) -> None:
    shop.set_policies(no_block_above="1GB")
    sha = shop.push("x")

    shop.job("x").begun().migrate("branch")

    assert posted(shop, sha)["trace"].conclusion == "skipped"


@pytest.mark.usefixtures("production_and_preview")
def test_preview_is_judged_only_where_the_primary_database_is_not_traced(shop: Shop) -> None:
    main, sha = shop.job("main").begun(), shop.push("x")
    beside = shop.job("x").begun()

    answers = [
        main.migrate("preview", trace=TRACE),
        main.migrate("production"),
        beside.migrate("branch", trace={"statements": []}),
        beside.migrate("preview", trace=TRACE),
    ]

    alone = posted(shop, main.run.head_sha)["trace"].output["title"]
    assert alone == "1 statement rewrites, 1 blocks writes of tables"
    assert posted(shop, sha)["trace"].output["title"].startswith("0 statements")
    assert [bool(answer["summary"]) for answer in answers] == [True, False, True, False]
