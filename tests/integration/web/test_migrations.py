"""The last migration of a database: the same in rows, the API and the pull request's comment."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from app.cli import rows
from app.core.assignments import Policies, TracePolicy
from app.core.environments import Environment
from app.core.identifiers import AppId
from app.core.runs import MigrationResult, Unfinished, UnfinishedKind
from app.core.traces import Size
from app.web.marked import marked
from tests.integration import states
from tests.integration.api.office import TRACE, Office

HTML = {"Accept": "text/html"}
FAILED, NEWER = "f" * 40, "b" * 40


def row(office: Office, path: str, database_id: int) -> str:
    """What its row says, without markup."""
    answer = office.ask("GET", path, office.people["operator"], headers=HTML)
    assert answer.status_code == 200, answer.text
    [found] = re.findall(rf'<tr[^>]* id="database-{database_id}">.*?</tr>', answer.text, re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", found).split())


def shown(office: Office, database_id: int) -> dict[str, Any]:
    answer = office.ask("GET", f"/api/v1/databases/{database_id}", office.people["operator"])
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (MigrationResult.FAILURE, "failure"),
        (MigrationResult.TIMED_OUT, "timed-out"),
        (MigrationResult.SUCCESS, "success"),
        (MigrationResult.NEVER_CONNECTED, "never-connected"),
        (None, "running"),
    ],
)
def test_what_was_tried_last_is_told_whatever_came_of_it(
    office: Office, result: MigrationResult | None, word: str
) -> None:
    app_id = office.new_app()
    run = office.past_run(app_id, branch_name="x", result=result, head_sha=FAILED)
    database = office.database(app_id, Environment.BRANCH, "x")

    last = shown(office, database.id)["last_migration"]
    rows = [row(office, path, database.id) for path in (f"/apps/{app_id}", "/instances/tenants")]

    assert (last["result"], last["commit"], last["run"]) == (word, FAILED, run)
    page = office.ask(
        "GET", "/apps" + last["url"].partition("/apps")[2], office.people["operator"], headers=HTML
    )
    assert page.status_code == 200
    assert f"Run {run}" in page.text
    for one in rows:
        assert f"{word} {FAILED[:7]}" in re.sub("[✕◌\\u2013] ", "", one)
        assert "none yet" not in one


@pytest.mark.parametrize(
    ("seed", "word"),
    [
        (MigrationResult.FAILURE, "✕ migrated, but the seed failed"),
        (MigrationResult.TIMED_OUT, "✕ migrated, but the seed was stopped: out of time"),
        (MigrationResult.NEVER_CONNECTED, "\u2013 migrated, but the seed never connected"),
        (MigrationResult.SUCCESS, "success"),
    ],
)
def test_how_the_seed_ended_is_told_with_the_migration(
    office: Office, seed: MigrationResult, word: str
) -> None:
    app_id = office.new_app()
    office.past_run(app_id, branch_name="x", head_sha=FAILED, seed_result=seed)
    database = office.database(app_id, Environment.BRANCH, "x")

    found = shown(office, database.id)

    assert (found["last_migration"]["result"], found["last_migration"]["seed"]) == ("success", seed)
    assert f"{word} {FAILED[:7]}" in row(office, f"/apps/{app_id}", database.id)
    assert rows.database_row(found)["last_migration"] == word.lstrip("✕\u2013 ")


@pytest.mark.parametrize(("who", "sees_names"), [("operator", True), ("read", False)])
def test_what_a_run_left_unfinished_is_on_its_page_and_in_the_api(
    office: Office, who: str, sees_names: bool
) -> None:
    app_id = office.new_app()
    names = {"namespace": "public", "table": "users", "name": "by_mail\u202e<b>"}
    run = office.past_run(
        app_id,
        unfinished=(
            Unfinished(kind=UnfinishedKind.INDEX, **names),
            Unfinished(kind=UnfinishedKind.CONSTRAINT, **names),
        ),
    )

    page = office.ask("GET", f"/apps/{app_id}/runs/{run}", office.people[who], headers=HTML).text
    [told] = office.ask("GET", f"/api/v1/apps/{app_id}/runs/{run}", office.people[who]).json()[
        "migrations"
    ]

    assert "<dt>Invalid index</dt>" in page
    assert "<dt>Not validated</dt>" in page
    assert "DROP INDEX CONCURRENTLY" in page
    assert ("by_mail&lt;U+202E&gt;&lt;b&gt;" in page) is sees_names
    assert told["unfinished"] == (
        [{"kind": "index", **names}, {"kind": "constraint", **names}] if sees_names else None
    )


@pytest.mark.parametrize(("who", "sees_names"), [("write", True), ("read", False)])
def test_what_a_migration_locked_is_on_its_runs_page(
    office: Office, who: str, sees_names: bool
) -> None:
    app_id = office.new_app()
    run = office.past_run(app_id, trace=replace(TRACE, untraced="<fault> of the runner"))
    sizes = {"public.orders": Size(rows=1_200_000, bytes=310 * 1024**2)}
    office.world.services.store.measurements.keep_tables(app_id, sizes, at=datetime.now(UTC))

    page = office.ask("GET", f"/apps/{app_id}/runs/{run}", office.people[who], headers=HTML).text

    assert "Not all was traced" in page
    assert "6 statements: 2 blocked reads and writes, 1 writes alone; 1 rewrote a table." in page
    assert "2 ACCESS EXCLUSIVE" in page or sees_names
    for told in (
        "ALTER TABLE users ADD &lt;b&gt; int",
        "public.orders_pkey",
        "shop-job",
        "&lt;fault&gt; of the runner",
        f"/blob/{'a' * 40}/migrations/0002%20%3Ci%3E.sql#L4",
        '<svg class="timeline"',
        "table public.&lt;orders&gt;: dropped",
        "in production: 1.2 M rows, 310 MB",
    ):
        assert (told in page) is sees_names, told
    if sees_names:
        statements = re.findall(r'<th scope="row"><code>(.*?)</code>', page)
        assert statements[0] == "ALTER TABLE orders ALTER id TYPE bigint"
        assert page.count('<rect class="lock ') == 3 + 4
        assert "And 2 more statements" in page


@pytest.mark.parametrize(
    ("rule", "said"),
    [(TracePolicy.OFF, "the rule `trace` is off"), (TracePolicy.ALL, "the Action sent no trace")],
)
def test_what_was_not_traced_says_so(office: Office, rule: TracePolicy, said: str) -> None:
    app_id = office.new_app()
    office.with_policies(app_id, Policies(trace=rule))
    run = office.past_run(app_id)
    running = office.past_run(app_id, branch_name="y", result=None)

    pages = [
        office.ask("GET", f"/apps/{app_id}/runs/{each}", office.people["read"], headers=HTML).text
        for each in (run, running)
    ]

    words = str(marked(said))
    assert ["Not traced" in page for page in pages] == [True, False]
    assert words in pages[0]


def test_the_last_success_stays_known_beside_a_failure(office: Office) -> None:
    app_id, services = office.new_app(), office.world.services
    office.past_run(app_id, branch_name="x")
    database = office.database(app_id, Environment.BRANCH, "x")
    states.migrate(services, database.id, "a" * 40)
    office.past_run(app_id, branch_name="x", result=MigrationResult.FAILURE, head_sha=NEWER)

    found = shown(office, database.id)

    assert found["last_migration"]["commit"] == NEWER
    assert found["migrated_commit"] == "a" * 40
    assert found["migrated_at"] is not None


@pytest.mark.parametrize("result", [MigrationResult.SKIPPED, MigrationResult.SUPERSEDED])
def test_what_was_passed_over_was_not_tried(office: Office, result: MigrationResult) -> None:
    app_id = office.new_app()
    office.past_run(app_id, branch_name="x", result=result)
    database = office.database(app_id, Environment.BRANCH, "x")

    assert shown(office, database.id)["last_migration"] is None
    assert "none yet" in row(office, f"/apps/{app_id}", database.id)


def test_an_emptied_database_was_not_migrated_yet(office: Office) -> None:
    app_id = office.new_app()
    office.past_run(app_id, branch_name="x")
    database = office.database(app_id, Environment.BRANCH, "x")

    states.start_afresh(office.world.services, database)

    assert shown(office, database.id)["last_migration"] is None


def test_of_local_work_it_is_said_that_no_run_migrates_it(office: Office) -> None:
    app_id = office.new_app()
    database = office.database(app_id, Environment.DEV)

    assert "from checkouts, by coppice migrate" in row(office, f"/apps/{app_id}", database.id)


# --- how much is asked for it ---------------------------------------------------------------------


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that are sent meanwhile, by whatever thread."""
    sent: list[str] = []
    execute = psycopg.Connection.execute

    def noting(connection: Any, query: Any, *rest: Any, **how: Any) -> Any:
        sent.append(str(query))
        return execute(connection, query, *rest, **how)

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", noting)
        yield sent


def fill(office: Office, app_id: AppId, *branches: str) -> None:
    for branch in branches:
        office.past_run(app_id, branch_name=branch)
        database = office.database(app_id, Environment.BRANCH, branch)
        states.make_ready(office.world.services, database)


@pytest.mark.parametrize(
    "path", ["/apps/{app}", "/instances/tenants", "/instances", "/apps", "/api/v1/databases"]
)
def test_more_databases_are_no_more_queries(
    office: Office, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    app_id, operator = office.new_app(), office.people["operator"]
    fill(office, app_id, "first")
    asked = path.format(app=app_id)
    with counted(monkeypatch) as few:
        assert office.ask("GET", asked, operator, headers=HTML).status_code == 200
    fill(office, app_id, *(f"b{number}" for number in range(6)))

    with counted(monkeypatch) as many:
        assert office.ask("GET", asked, operator, headers=HTML).status_code == 200

    assert len(few) > 3
    assert len(many) == len(few)
