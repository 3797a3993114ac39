"""What is said below pull requests, as GitHub renders it: nothing of a hostile name comes alive."""

import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.core.branches import is_possible_branch
from app.core.commands import Verb, parse_command
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import (
    AppId,
    BranchName,
    CommentId,
    CommitSha,
    DatabaseId,
    DatabaseName,
    RoleName,
    RunId,
)
from app.core.instances import Address, SslMode
from app.core.limits import LimitReached
from app.core.markdown import visible
from app.core.names import database_name
from app.core.runs import LastMigration, MigrationResult
from app.operations.pull_requests import wording
from app.operations.pull_requests.wording import LastTrace, Overview, Row
from tests.unit import databases
from tests.unit.databases import instance

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table")
ADDRESS = Address(host="db.example.com", port=5432, sslmode=SslMode.REQUIRE)
INSTANCE = instance(public_address=ADDRESS)
LAST = LastMigration(
    run_id=RunId(3), result=MigrationResult.SUCCESS, head_sha=CommitSha("a" * 40), at=NOW
)
HOSTILE = [
    "@octocat/x",
    "x-@everyone",
    "<img/src=x/onerror=alert(1)>",
    "<!--",
    "-->",
    "[click](http-//evil.example)",
    "https-//evil.example",
    "www.evil.example",
    "`x`",
    "``x```y`",
    "a|b|c",
    "|",
    "`|`",
    "**bold**",
    "_x_",
    "#1",
    "GH-1",
    "x&amp;y",
    "$(id)",
    "'; DROP TABLE x",
    "\u202egnp.exe",
    "a\u200bb",
    "\u2028/db\u2028reset",
    "/db",
    "🌳",
]


def database(branch: str | None = "feature/login", **changes: Any) -> Database:
    environment = Environment.BRANCH if branch else Environment.PREVIEW
    name = database_name(AppId("3ba03b"), environment, BranchName(branch) if branch else None)
    made = databases.database(
        branch,
        id=DatabaseId(7),
        environment=environment,
        name=DatabaseName(name),
        login_role=RoleName("3ba03b-u-0a1b2c"),
        marker="the-marker",
        migrated_sha=None,
        migrated_at=None,
    )
    return replace(made, **changes)


def overview(*databases: Database, branch: str = "feature/login", **changes: Any) -> Overview:
    rows = tuple(Row(database=one, last=LAST, size_bytes=7_700_000) for one in databases)
    shown = Overview(
        head_branch=BranchName(branch),
        is_open=True,
        rows=rows,
        retention=timedelta(days=7),
        at=NOW,
        dashboard=None,
    )
    return replace(shown, **changes)


def tokens(text: str) -> list[Token]:
    """Everything that a renderer sees, inside out."""
    flat: list[Token] = []
    for token in RENDERER.parse(text):
        flat += [token, *(token.children or [])]
    return flat


def of(text: str, *kinds: str) -> list[str]:
    return [token.content for token in tokens(text) if token.type in kinds]


def assert_harmless(text: str, *, codes: int) -> None:
    """Only our own marker is HTML; names are in code, where GitHub links and mentions nothing."""
    html = "".join(of(text, "html_block", "html_inline")).strip()
    assert html in ("", text.split("\n")[0])
    assert [token for token in tokens(text) if token.type in ("link_open", "image")] == []
    plain = " ".join(of(text, "text"))
    assert not re.search(r"@\w|#\d|://|www\.|GH-", plain), plain
    assert len(of(text, "code_inline", "code_block", "fence")) == codes


branches = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(min_size=1, max_size=40),
    st.text(alphabet="`|<>@#[]()!*_~&\\/-. $\u202e\u2028", min_size=1, max_size=20),
).filter(is_possible_branch)


@given(branches)
def test_the_summary_shows_any_name_as_it_is_and_as_nothing_else(branch: str) -> None:
    text = wording.summary(overview(database(branch), branch=branch))

    # The name of the branch, of its database, and three words of ours.
    assert_harmless(text, codes=4)
    assert of(text, "code_inline")[0] == visible(branch)
    assert of(text, "code_inline")[1] == database(branch).name
    cells = [token for token in tokens(text) if token.type == "td_open"]
    assert len(cells) == 4


def way_to(branch: str, *app_ids: AppId | None) -> str:
    return wording.way_to_connect(
        "acme/shop", BranchName(branch), app_ids=app_ids, public_url="coppice.example.com"
    )


@given(branches)
def test_an_address_shows_any_name_as_it_is_and_as_nothing_else(branch: str) -> None:
    text = wording.addresses([(database(branch), INSTANCE)], way=way_to(branch, None))
    body = wording.reply(CommentId(5), Verb.URL, text)

    assert_harmless(body, codes=3)
    [address, command] = of(body, "fence")
    assert "the-admin-password" not in body
    assert f"PGDATABASE={database(branch).name}" in address
    assert shlex.split(command.splitlines()[1]) == [
        "coppice",
        "env",
        "acme/shop",
        "--branch",
        visible(branch),
    ]


@given(branches)
def test_a_public_repository_is_told_no_address(branch: str) -> None:
    text = wording.no_addresses(way_to(branch, None))

    assert_harmless(text, codes=1)
    assert "db.example.com" not in text


def test_of_several_apps_the_way_to_each_is_told() -> None:
    text = way_to("feature", AppId("3ba03b"), AppId("docs"))

    assert "coppice env acme/shop --app-id 3ba03b --branch feature\n" in text
    assert "coppice env acme/shop --app-id docs --branch feature\n" in text


@given(st.text())
def test_what_github_says_is_quoted_as_text(reason: str) -> None:
    body = wording.reply(CommentId(5), Verb.MIGRATE, wording.not_rerun(reason, None))

    assert_harmless(body, codes=2)


@given(branches)
def test_the_summary_leads_to_the_dashboard_and_nowhere_else(branch: str) -> None:
    address = "https://coppice.example.com/(a)b c"
    shown = overview(database(branch), database(None), branch=branch, dashboard=address)

    text = wording.summary(shown)

    links = [token for token in tokens(text) if token.type == "link_open"]
    page = "https://coppice.example.com/%28a%29b%20c/apps/3ba03b"
    assert [token.attrs["href"] for token in links] == [f"{page}/runs/3", f"{page}/runs/3", page]


def test_each_app_of_a_repository_has_its_page_in_the_summary() -> None:
    shown = overview(
        database(),
        database(app_id=AppId("docs")),
        dashboard="https://coppice.example.com",
    )

    assert "[3ba03b](https://coppice.example.com/apps/3ba03b), [docs](" in wording.summary(shown)


def test_where_the_dashboard_is_makes_no_news() -> None:
    told = overview(database())

    assert wording.news(told) == wording.news(replace(told, dashboard="https://x.example"))


@pytest.mark.parametrize("verb", list(Verb))
def test_an_answer_is_no_command(verb: Verb) -> None:
    for text in (wording.usage("Why."), wording.usage(), "/db reset"):
        assert parse_command(wording.reply(CommentId(5), verb, text)) is None
    assert parse_command(wording.summary(overview(database()))) is None


def test_rows_say_what_is_the_matter() -> None:
    text = wording.summary(
        overview(
            database(state=DatabaseState.ERROR, reason="db.internal:5432 refused the-secret"),
            database(state=DatabaseState.CREATING),
            database(state=DatabaseState.DELETED, drop_after=NOW + timedelta(days=7)),
            database(None),
        )
    )

    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert "| **failed**: the check `database` says why |" in lines[0]
    assert "| being made |" in lines[1]
    assert "| deleted; its data is kept until 2026-11-30 |" in lines[2]
    assert "`3ba03b-preview` (preview, shared by all branches) | ready |" in lines[3]
    assert "the-secret" not in text
    assert "success, aaaaaaaaa, 2026-11-23 12:00 UTC | 7.3 MB |" in lines[3]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("out_of_connections", "The server is out of connections."),
        ("privilege_missing", "The service's role lacks a privilege on the server."),
        ("naming_conflict", "The server has a database of this name that Coppice did not make."),
        ("server_unreachable", "The server does not accept connections."),
    ],
)
def test_a_failure_is_told_in_words_of_ours_and_never_in_the_servers(code: str, told: str) -> None:
    reason = "db.internal:5432 says: role postgres, password the-secret"

    text = wording.summary(
        overview(database(state=DatabaseState.ERROR, reason=reason, reason_code=code))
    )

    assert f"| **failed**: {told} The check `database` says more. |" in text
    assert "db.internal" not in text
    assert "the-secret" not in text


def test_the_limit_that_was_reached_is_told_in_full() -> None:
    frozen = "It holds 24 MB, more than the 20 MB that are allowed."
    text = wording.summary(
        overview(
            database(
                state=DatabaseState.ERROR,
                reason="The instance has its 3 databases: that is its limit.",
                reason_code=LimitReached.code,
            ),
            database(
                state=DatabaseState.ERROR,
                is_frozen=True,
                reason=frozen,
                reason_code="limit_reached",
            ),
        )
    )

    assert "| **failed**: `The instance has its 3 databases: that is its limit.` |" in text
    assert f"| **frozen**: `{frozen}` |" in text


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=900)))
def test_no_reason_comes_alive(reason: str) -> None:
    """Even one that was to be quoted, and that somebody else got a word into."""
    failed = database(state=DatabaseState.ERROR, reason=reason, reason_code=LimitReached.code)

    text = wording.summary(overview(failed))

    # The names of branch and database, two commands of ours, and the reason or where it is.
    assert_harmless(text, codes=5)
    assert len([token for token in tokens(text) if token.type == "td_open"]) == 4
    assert len(text) < 8000


@given(st.text(), st.one_of(st.none(), st.text()))
def test_but_for_limits_a_stored_reason_makes_no_difference(reason: str, code: str | None) -> None:
    assume(code != LimitReached.code)
    failed = database(state=DatabaseState.ERROR, reason=reason, reason_code=code)

    told = wording.summary(overview(failed))

    assert told == wording.summary(overview(replace(failed, reason=None)))


def test_a_database_past_its_limit_says_so_and_that_is_no_news() -> None:
    told = overview(database())
    [row] = told.rows
    larger = replace(told, rows=(replace(row, over_limit="It holds 20 MB, more than 16 MB."),))

    assert "| ready. It holds 20 MB, more than 16 MB. |" in wording.summary(larger)
    assert wording.news(larger) == wording.news(told)


def test_an_emptied_database_says_what_comes_next() -> None:
    told = overview(database(generation=2), database(None, generation=2))
    empty = replace(told, rows=tuple(replace(row, last=None) for row in told.rows))
    new = overview(database())
    new = replace(new, rows=tuple(replace(row, last=None) for row in new.rows))

    lines = [line for line in wording.summary(empty).splitlines() if line.startswith("| `")]

    assert "| ready | none since it was emptied: now `/db migrate`, or push |" in lines[0]
    assert "| ready | none yet |" in lines[1]
    assert "| ready | none yet |" in wording.summary(new)


def test_a_clone_that_nothing_was_migrated_in_since_says_as_what_it_began() -> None:
    told = overview(database(generation=2), database(None))
    parent = DatabaseName("3ba03b-template-2")
    clones = replace(told, rows=tuple(replace(row, last=None, parent=parent) for row in told.rows))

    lines = [line for line in wording.summary(clones).splitlines() if line.startswith("| `")]

    assert "| ready | as `3ba03b-template-2`: now `/db migrate`, or push |" in lines[0]
    assert "| ready | as `3ba03b-template-2` |" in lines[1]


def test_news_are_states_and_results_and_not_amounts_times_or_preview() -> None:
    told = overview(database(), database(None))
    later = overview(database(), at=NOW + timedelta(hours=1))
    [row] = later.rows
    other_commit = replace(
        row,
        size_bytes=1,
        last=replace(LAST, head_sha=CommitSha("b" * 40)),
    )
    failed = replace(
        row,
        last=replace(LAST, result=MigrationResult.FAILURE),
    )

    unseeded = replace(row, last=replace(LAST, seed_result=MigrationResult.FAILURE))
    seeded = replace(row, last=replace(LAST, seed_result=MigrationResult.SUCCESS))

    assert wording.news(replace(later, rows=(other_commit,))) == wording.news(told)
    assert wording.news(replace(later, rows=(unseeded,))) != wording.news(told)
    assert wording.news(replace(later, rows=(seeded,))) == wording.news(told)
    assert wording.news(replace(later, rows=(failed,))) != wording.news(told)
    assert wording.news(replace(told, is_open=False)) != wording.news(told)
    assert wording.news(overview(database(generation=2))) != wording.news(told)
    assert wording.news(overview(database(state=DatabaseState.ERROR))) != wording.news(told)


TRACE = LastTrace(
    line="1 rewrite of `users` (production: 1.2 M rows, 310 MB)",
    counts="1 rewrite",
    run_id=RunId(5),
)


@pytest.mark.parametrize(
    ("dashboard", "details"),
    [
        (None, "the check `trace` says more"),
        ("https://c.example", "[details](https://c.example/apps/3ba03b/runs/5)"),
    ],
)
def test_the_last_trace_of_a_branchs_database_has_a_line(
    dashboard: str | None, details: str
) -> None:
    shown = overview(database(), database(None), dashboard=dashboard)
    rows = tuple(replace(row, trace=TRACE) for row in shown.rows)

    lines = wording.summary(replace(shown, rows=rows)).splitlines()

    assert [line for line in lines if line.startswith("Trace")] == [
        f"Trace of `{shown.rows[0].database.name}`: 1 rewrite of `users` (production: 1.2 M rows,"
        f" 310 MB), {details}."
    ]


def test_another_trace_is_news_and_another_size_is_not() -> None:
    [row] = overview(database()).rows
    traces = [
        None,
        replace(TRACE, line="", counts=""),
        TRACE,
        replace(TRACE, line="1 rewrite of `users`"),
        replace(TRACE, counts="2 rewrites"),
        replace(TRACE, changes="<details><summary>1 change</summary>a</details>"),
        replace(TRACE, changes="<details><summary>1 change</summary>b</details>"),
    ]

    told = [wording.news(overview(rows=(replace(row, trace=one),))) for one in traces]

    assert [told.index(one) for one in told] == [0, 0, 2, 2, 4, 5, 5]
