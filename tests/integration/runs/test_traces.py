"""What a traced run says at GitHub: on its commit, in its job, and in the comment."""

from typing import Any

import psycopg
import pytest

from demo.github.faults import server_error
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
        "Against a rule: 1 rewrite",
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
def test_what_preview_alone_saw_is_told_of_the_commit_too(shop: Shop) -> None:
    """A branch's database that was empty made all its tables itself."""
    main, sha = shop.job("main").begun(), shop.push("x")
    beside = shop.job("x").begun()

    answers = [
        main.migrate("preview", trace=TRACE),
        main.migrate("production"),
        beside.migrate("branch", trace={"statements": []}),
        beside.migrate("preview", trace=TRACE),
    ]

    titles = [posted(shop, each)["trace"].output["title"] for each in (main.run.head_sha, sha)]
    assert titles == ["1 rewrite, 1 lock that blocks writes"] * 2
    assert [bool(answer["summary"]) for answer in answers] == [True, False, True, True]


@pytest.mark.usefixtures("production_and_preview")
def test_what_earlier_commits_brought_is_judged_until_production_has_it(shop: Shop) -> None:
    shop.set_policies(no_rewrite_above="100MB")
    main = shop.job("main").begun()
    main.migrate("preview")
    main.migrate("production", tables=SIZES)
    failed = {"statements": [{**one, "rolled_back": True} for one in TRACE["statements"]]}
    first = shop.push("x")
    shop.job("x").begun().migrate("branch", trace=TRACE)
    second = shop.push("x")
    shop.job("x").begun().migrate("branch", "failure", trace=failed | {"wal_bytes": 1})
    third = shop.push("x")
    shop.job("x").begun().migrate("branch", trace={"statements": []})

    untraced = shop.push("x")
    shop.job("x").begun().migrate("branch")

    heads = (first, second, third, untraced)
    checks = [posted(shop, each)["trace"] for each in heads]
    assert [each.conclusion for each in checks] == ["failure"] * 4
    assert "2 of them were traced at earlier commits" in checks[2].output["summary"]
    assert checks[2].annotations == []

    shop.repository.git.set_branch("main", untraced)
    main = shop.job("main").begun()
    main.migrate("preview")
    main.migrate("production", tables=SIZES)
    fourth = shop.push("x")
    shop.job("x").begun().migrate("branch", trace={"statements": []})

    assert posted(shop, fourth)["trace"].conclusion == "success"

    shop.github.faults.plan(server_error(), path=f"/compare/{first}", times=20)
    fifth = shop.push("x")
    shop.job("x").begun().migrate("branch", trace={"statements": []})

    assert posted(shop, fifth)["trace"].conclusion == "success"
    assert shop.github.faults.left() == 20  # two commits are compared once


@pytest.mark.parametrize(
    ("result", "first", "conclusion"),
    [
        ("success", None, "neutral"),
        ("failure", None, "neutral"),
        ("success", {"was_empty": True}, "neutral"),
        ("success", {"untraced": "GSS"}, "neutral"),
        ("never-connected", None, "success"),
        ("failure", {"untraced": "nobody came", "is_unused": True}, "success"),
        ("success", {"statements": []}, "success"),
    ],
)
def test_what_ran_unseen_in_the_branchs_database_keeps_its_later_checks_from_green(
    shop: Shop, result: str, first: Any, conclusion: str
) -> None:
    shop.push("x")
    told = {"trace": first} if first else {}
    shop.job("x").begun(environments=["branch"]).migrate("branch", result, **told)
    sha = shop.push("x")

    shop.job("x").begun(environments=["branch"]).migrate("branch", trace={"statements": []})

    own = posted(shop, sha)["trace"]
    assert own.conclusion == conclusion
    assert ("ran in the branch's database without a trace" in own.output["summary"]) is (
        conclusion == "neutral"
    )


@pytest.mark.usefixtures("production_and_preview")
def test_what_preview_saw_of_a_commit_is_told_of_every_branch_that_has_it(shop: Shop) -> None:
    """Preview has it already when another branch brings it again, and then sees nothing."""
    shop.set_policies(no_rewrite_above="100MB")
    main = shop.job("main").begun()
    main.migrate("preview")
    main.migrate("production", tables=SIZES)
    shop.push("x")

    def conclusion(branch: str, trace: dict[str, Any]) -> str | None:
        job = shop.job(branch).begun()
        job.migrate("branch", trace={"was_empty": True})
        job.migrate("preview", trace=trace)
        sha = shop.repository.git.head(branch)
        assert sha is not None
        return posted(shop, sha)["trace"].conclusion

    first = conclusion("x", TRACE)
    sha = shop.repository.git.head("x")
    shop.github.create_branch(shop.repository, "on_top", sha=sha)
    shop.github.create_branch(shop.repository, "same", sha=sha)
    shop.github.delete_branch(shop.repository, "x")
    for branch in ("on_top", "beside"):
        shop.push(branch)

    quiet: dict[str, Any] = {"statements": []}
    others = [conclusion(branch, quiet) for branch in ("same", "on_top", "beside")]

    assert (first, others) == ("failure", ["failure", "failure", "success"])
    top = shop.push("on_top")
    shop.job("on_top").begun().migrate("branch", trace=quiet)
    assert posted(shop, top)["trace"].conclusion == "failure"

    shop.github.faults.plan(server_error(), path="/compare/", times=20)
    assert conclusion("beside", quiet) == "neutral"

    shop.github.faults.clear()
    shop.github.delete_branch(shop.repository, "same")
    shop.repository.git.set_branch("main", sha or "")
    shop.push("main")
    main = shop.job("main").begun()
    main.migrate("preview", trace=quiet)
    main.migrate("production", tables=SIZES)
    shop.github.create_branch(shop.repository, "late", sha=sha)
    shop.world.settle()
    late = shop.job("late").begun(environments=["branch"])
    late.migrate("branch", trace={"was_empty": True})
    assert posted(shop, sha or "")["trace"].conclusion == "neutral"


@pytest.mark.usefixtures("production_and_preview")
def test_what_production_got_by_another_commit_is_not_held_against_a_branch(shop: Shop) -> None:
    shop.set_policies(no_rewrite_above="100MB")
    quiet: dict[str, Any] = {"statements": []}
    unplaced = {"statements": [TRACE["statements"][0] | {"file": "", "line": 0}]}
    git = shop.repository.git

    def migrated(trace: dict[str, Any]) -> None:
        main = shop.job("main").begun()
        main.migrate("preview", trace=trace)
        main.migrate("production", tables=SIZES)

    def conclusion(branch: str, trace: dict[str, Any]) -> str | None:
        shop.job(branch).begun(environments=["branch"]).migrate("branch", trace=trace)
        return posted(shop, git.head(branch) or "")["trace"].conclusion

    migrated(quiet)
    before = shop.push("before")
    conclusion("before", quiet)
    other = shop.push("other")
    assert conclusion("other", TRACE) == "failure"
    git.set_branch("main", other)
    migrated(quiet)
    shop.push("after")
    conclusion("after", quiet)
    merge = git.commit(parents=[before, other], files={}, message="Merge main")
    shop.github.force_push(shop.repository, "before", merge)
    shop.push("after")

    merged = conclusion("before", unplaced)
    again = conclusion("after", unplaced)
    shop.push("main")
    migrated(unplaced)
    shop.push("after")
    squashed = conclusion("after", quiet)

    assert (merged, again, squashed) == ("success", "failure", "success")


@pytest.mark.usefixtures("production_and_preview")
def test_what_production_drops_is_judged_by_how_large_it_was(shop: Shop) -> None:
    shop.set_policies(trace="all")
    main = shop.job("main").begun()
    main.migrate("preview")
    main.migrate("production", tables=SIZES)
    shop.push("main")
    going = traced("DROP TABLE users", "ACCESS EXCLUSIVE", line=1)
    main = shop.job("main").begun()
    main.migrate("preview")

    answer = main.migrate("production", trace={"statements": [going]}, tables={})

    assert "1.2 M rows, 310 MB" in answer["summary"]
    kept = shop.services.store.measurements.tables(shop.app_id)
    assert kept is not None
    assert kept.tables == {}


@pytest.mark.parametrize(
    ("behind", "accepted"),
    [("ALTER TABLE users ADD CHECK (a > 0)", ""), ("ALTER TABLE users_old ADD b int", "at night")],
)
def test_what_is_kept_as_accepted_is_what_counts(shop: Shop, behind: str, accepted: str) -> None:
    """A lock is told with the first statement that takes it, and more is done under this one."""
    first = traced("CREATE INDEX i ON users (a)", "SHARE", line=2, accepted="at night")
    later = {"sql": behind, "ms": 1, "held_ms": 1, "transaction": 2, "tag": "ALTER TABLE"}
    sha = shop.push("x")

    shop.job("x").begun().migrate("branch", trace={"statements": [first, later]})

    last = shop.services.store.migrations.last_traced(shop.database("branch", "x").id)
    assert last is not None
    kept = shop.services.store.migrations.trace(last.id)
    assert kept is not None
    assert [one.accepted for one in kept.statements] == [accepted, ""]
    assert ("(accepted)" in posted(shop, sha)["trace"].output["summary"]) is bool(accepted)


@pytest.mark.usefixtures("production_and_preview")
def test_a_report_reads_each_trace_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    job.migrate("branch", trace=TRACE)
    job.given("preview")
    read: list[object] = []
    execute = psycopg.Connection.execute

    def noting(connection: Any, query: Any, parameters: Any = None, **how: Any) -> Any:
        if "SELECT trace FROM traces" in str(query) or "FROM production_tables" in str(query):
            read.append((query, tuple(parameters)))
        return execute(connection, query, parameters, **how)

    monkeypatch.setattr(psycopg.Connection, "execute", noting)

    job.report("preview", trace=TRACE)

    assert len(read) == len(set(read)) == 3  # two traces, and production's tables
