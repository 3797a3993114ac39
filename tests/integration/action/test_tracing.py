"""A step whose command is traced: what it is led to, what is reported, and what is said."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from action.tracing import NO_CONNECTION
from app.core.instances import AdminLogin
from app.postgres.sessions import admin_login, connect
from app.web.api.run_models import LoopbackGiven
from tests.integration.action.conftest import (
    NewDatabase,
    RealDatabase,
    error_reply,
    script_success,
)
from tests.integration.action.scripted import RUNS, Reply, ScriptedService, run_path, verdict
from tests.integration.action.step import Step
from tests.integration.tls import ADDRESS, at_once, certificate, listening, terminating

MIGRATE = (
    "psql -v ON_ERROR_STOP=1 -q -c 'CREATE TABLE users (id int)'"
    " && psql \"$DATABASE_URL\" -q -c 'ALTER TABLE users ADD COLUMN name text'"
)


@pytest.fixture
def traced(service: ScriptedService, branch: RealDatabase) -> RealDatabase:
    script_success(service, branch, trace="branches")
    return branch


def test_a_traced_command_reports_what_its_statements_locked(
    step: Step, traced: RealDatabase, service: ScriptedService
) -> None:
    service.on(
        run_path("branch", "/result"), Reply(body=verdict().body | {"summary": "**1 rewrite**"})
    )

    reply = traced.go()
    pooled = traced.url.replace(traced.host, "localhost")
    reply.body["variables"] |= {"DATABASE_URL_POOLED": pooled}
    service.on(run_path("branch"), reply)
    alter = "psql \"$DATABASE_URL_POOLED\" -c 'ALTER TABLE users ALTER id TYPE bigint'"

    first = step.run(migration_command=f"env | grep -E '^PG(HOST|SSLMODE)'; {MIGRATE}")
    second = step.run(migration_command=alter)

    assert (first.exit_code, second.exit_code) == (0, 0), first.log.text + second.log.text
    assert "PGHOST=127.0.0.1" in first.log.text
    assert "PGSSLMODE=disable" in first.log.text
    made, altered = service.reports("branch")
    assert [each["tag"] for each in made["trace"]["statements"]] == ["CREATE TABLE", "ALTER TABLE"]
    assert [each["user"] for each in made["trace"]["connections"]] == [traced.tenant.login_role] * 2
    [statement] = altered["trace"]["statements"]
    assert ("public.users", "ACCESS EXCLUSIVE") in [
        (each["relation"], each["mode"]) for each in statement["locks"]
    ]
    assert statement["rewrites"] == ["public.users"]
    assert [each["text"] for each in made["trace"]["changes"]] == ["table public.users: added"]
    [change] = altered["trace"]["changes"]
    assert change["text"] == "column public.users.id: type integer -> bigint"
    assert altered["trace"]["untraced"] is None
    assert "| branch |" in second.summary.partition("**1 rewrite**")[0]


def test_production_is_not_traced_but_tells_how_large_its_tables_are(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    production = new_database("production")
    script_success(service, production, trace="branches")
    rows = "INSERT INTO users SELECT generate_series(1, 1000)"

    parted = (
        "CREATE TABLE events (id int) PARTITION BY LIST (id)",
        "CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1)",
        "INSERT INTO events VALUES (1), (1)",
    )
    script = ("CREATE TABLE users (id int)", rows, *parted, "ANALYZE users", "ANALYZE events_1")

    step.run(migration_command=f"psql {' '.join(f'-c {chr(34)}{one}{chr(34)}' for one in script)}")

    [report] = service.reports("production")
    assert "trace" not in report
    part = {"rows": 2, "bytes": 8192}
    assert report["tables"] == {
        "public.users": {"rows": 1000, "bytes": 40960},
        "public.events": part,
        "public.events_1": part,
    }


@pytest.mark.parametrize(("wanted", "given"), [("off", "auto"), ("branches", "off"), (None, "all")])
def test_nothing_is_traced_that_is_not_to_be_or_that_the_service_does_not_take(
    step: Step, branch: RealDatabase, service: ScriptedService, wanted: str | None, given: str
) -> None:
    script_success(service, branch, **({"trace": wanted} if wanted else {}))

    finished = step.run(migration_command="echo port $PGPORT; psql -c 'SELECT 1'", trace=given)

    assert finished.exit_code == 0
    assert f"port {branch.port}" in finished.log.text
    assert "trace" not in service.reports("branch")[0]


@pytest.mark.parametrize("times", [1, 2])
def test_a_trace_that_the_service_does_not_take_costs_no_result(
    step: Step, traced: RealDatabase, service: ScriptedService, times: int
) -> None:
    refusals = [error_reply(400, "invalid")] * times
    service.on(run_path("branch", "/result"), *refusals, Reply(body=verdict().body))

    finished = step.run(migration_command=MIGRATE)

    assert finished.exit_code == 0, finished.log.text
    assert "did not take the trace" in finished.log.text
    first, second, *rest = service.reports("branch")
    assert first["trace"]["statements"]
    assert second["trace"] == {"untraced": "the service did not take the trace"}
    assert [{**second, "trace": None}] * (times - 1) == [{**one, "trace": None} for one in rest]
    assert not any("trace" in one for one in rest)


@pytest.fixture
def users(traced: RealDatabase) -> RealDatabase:
    """A table that was there before."""
    with psycopg.connect(traced.url) as connection:
        connection.execute("CREATE TABLE users (id int)")
    return traced


def write(step: Step, path: str, script: str) -> str:
    """A file of the checked-out repository."""
    file = step.workspace / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(script)
    return path


def test_statements_are_found_in_the_files_that_the_service_names(
    step: Step, users: RealDatabase, service: ScriptedService
) -> None:
    """Paths that lead out of the repository lead nowhere, and nobody is asked in vain."""
    script = f"""-- why
ALTER TABLE users
  ADD name text;

-- coppice: ok small, {users.password}
ALTER TABLE users ALTER id TYPE bigint;
"""
    path = write(step, "db/2.sql", script)
    outside = step.folder / "outside.sql"
    outside.write_text("ALTER TABLE users ADD more text;")
    (step.workspace / "db" / "link.sql").symlink_to(outside)
    hostile = ["../outside.sql", str(outside), "db/link.sql", "db", "a\0.sql", "a\nb.sql"]
    files = [*hostile, "x" * 9999 + ".sql", "db/gone.sql", path]
    service.on(f"{RUNS}/17/changes", Reply(body={"files": files, "added": []}))

    made = step.run(migration_command="psql -qc 'CREATE TABLE orders (id int)'")
    asked = len(service.requests(f"{RUNS}/17/changes"))
    changed = step.run(migration_command="psql -qf db/2.sql -c 'ALTER TABLE users ADD more text'")

    assert (made.exit_code, changed.exit_code) == (0, 0), made.log.text + changed.log.text
    assert (asked, len(service.requests(f"{RUNS}/17/changes"))) == (0, 1)
    statements = service.reports("branch")[1]["trace"]["statements"]
    assert [(each["file"], each["line"], each["accepted"]) for each in statements] == [
        (path, 2, ""),
        (path, 6, "small, ***"),
        ("", 0, ""),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        error_reply(404, "not_found"),
        Reply(body={"files": [7, "db/gone.sql"]}),
        Reply(body=b"<html>", after=lambda: time.sleep(6)),
    ],
)
def test_without_word_of_the_files_the_report_goes_out_soon(
    step: Step, users: RealDatabase, service: ScriptedService, answer: Reply
) -> None:
    service.on(f"{RUNS}/17/changes", answer)
    command = "psql -qc 'ALTER TABLE users ADD name text -- coppice: ok new'"
    began_at = time.monotonic()

    finished = step.run(migration_command=command)

    assert finished.exit_code == 0, finished.log.text
    assert time.monotonic() - began_at < 15
    [statement] = service.reports("branch")[0]["trace"]["statements"]
    assert [statement[name] for name in ("file", "line", "accepted")] == ["", 0, "new"]
    assert len(service.requests(f"{RUNS}/17/changes")) == 1


def test_an_empty_database_tells_of_what_the_commit_changed(
    step: Step, traced: RealDatabase, service: ScriptedService
) -> None:
    """Of the migrations before nobody wants to hear, nor of a table's own first transaction.

    A table that goes, or gets another name, is known by what the statement calls it.
    """
    made = 'CREATE TABLE users (id int); CREATE TABLE gone (); CREATE TABLE "Old" ();'
    old = write(step, "db/1.sql", f"{made} CREATE TABLE x (); DROP TABLE x;")
    write(step, "db/2.sql", "ALTER TABLE users ADD b int;")
    new = "ALTER TABLE users ALTER id TYPE bigint;"
    both = "BEGIN; CREATE TABLE orders (id int); ALTER TABLE orders ADD a int; COMMIT;"
    write(step, "db/2b.sql", f"{new} ALTER TABLE users ALTER id TYPE int;")
    going = 'DROP TABLE gone; ALTER TABLE "Old" RENAME TO renamed; DROP TABLE IF EXISTS never;'
    path = write(step, "db/3.sql", f"{new}\n{both}\n{going}\n")
    changes = {"files": [old, path], "added": [path]}
    service.on(f"{RUNS}/17/changes", Reply(body=changes))

    finished = step.run(migration_command='for file in db/*.sql; do psql -qf "$file"; done')

    assert finished.exit_code == 0, finished.log.text
    told = service.reports("branch")[0]["trace"]["statements"]
    locking = [
        (one["file"], one["line"], [lock["relation"] for lock in one["locks"]])
        for one in told
        if one["locks"]
    ]
    assert locking == [
        ("db/3.sql", 1, ["public.users"]),
        ("db/3.sql", 3, ["public.gone"]),
        ("db/3.sql", 3, ["public.renamed", 'public."Old"']),
    ]
    assert [one["rewrites"] for one in told if one["rewrites"]] == [["public.users"]]
    assert all(lock["is_new"] for one in told for lock in one["locks"])


@pytest.fixture
def other(
    traced: RealDatabase, new_database: NewDatabase, postgres_superuser: AdminLogin
) -> Iterator[str]:
    """Another database that the login may connect to."""
    name = str(new_database("preview").tenant.name)
    names = [sql.Identifier(each) for each in (name, traced.tenant.login_role)]
    with connect(admin_login(postgres_superuser)) as admin:
        admin.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(*names))
        yield name
        admin.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM {}").format(*names))


def test_what_a_command_connected_to_beside_its_database_is_said(
    step: Step, traced: RealDatabase, service: ScriptedService, other: str
) -> None:
    """And who did not give its password was not the command, as far as the trace is concerned."""
    elsewhere = f'A connection went to another database, "{other}".'
    refused = 'A connection was refused: password authentication failed for user "***".'
    command = f"""
        psql -d {other} -c 'SELECT 1'
        ! PGUSER={traced.password} psql -c 'SELECT 1'
        PGAPPNAME={"a" * 400} psql -c 'SELECT 1'
    """

    alone = step.run(migration_command=f"psql -d {other} -c 'SELECT 1'")
    several = step.run(migration_command=command)

    assert (alone.exit_code, several.exit_code) == (0, 0), alone.log.text + several.log.text
    assert elsewhere in alone.log.shown
    assert {elsewhere, refused} <= set(several.log.shown)
    first, second = service.reports("branch")
    assert (first["result"], second["result"]) == ("never-connected", "success")
    assert first["trace"]["untraced"] == elsewhere
    assert second["trace"]["untraced"] == elsewhere
    assert [len(each["application"]) for each in second["trace"]["connections"]] == [4, 300]


def test_a_tool_with_a_loopback_of_its_own_is_told_so_first(
    step: Step, traced: RealDatabase, service: ScriptedService
) -> None:
    """As in a container. Whose output names the cause that hides it: nobody listens there."""
    if subprocess.run(
        ["sh", "-c", "unshare --net true"], capture_output=True, check=False
    ).returncode:
        pytest.skip("This user may make no network namespace.")

    finished = step.run(migration_command="unshare --net psql -c 'SELECT 1'")

    assert finished.exit_code == 1
    [annotation] = finished.log.of("error")
    title = annotation.partition("\n")[0]
    assert title.startswith("The migration command ended with exit code 2")
    assert "`trace: off`" in title
    assert "`docker run --network host`" in title
    assert "```yaml\nwith:\n  trace: off\n```" in finished.summary
    trace = service.reports("branch")[0]["trace"]
    assert (trace["statements"], trace["untraced"]) == ([], NO_CONNECTION)
    assert trace["is_unused"] is True


def test_a_tool_with_a_ca_of_its_own_is_told_that_it_does_not_trust_the_trace(
    step: Step, traced: RealDatabase, service: ScriptedService, tmp_path: Path
) -> None:
    service.on(run_path("branch"), traced.go(loopback=LoopbackGiven.new().model_dump()))
    (tmp_path / "own.pem").write_text(certificate(tmp_path, ADDRESS)[1])
    command = f"psql 'sslmode=verify-full sslrootcert={tmp_path}/own.pem' -c 'SELECT 1'"

    finished = step.run(migration_command=command)

    [annotation] = finished.log.of("error")
    assert "its TLS began: the client did not trust it." in annotation.partition("\n")[0]
    assert "```yaml\nwith:\n  trace: off\n```" in finished.summary


def test_a_tool_that_fails_on_its_way_is_not_taken_for_one_in_a_container(
    step: Step, traced: RealDatabase
) -> None:
    finished = step.run(migration_command="psql -c 'SELECT 1/0'")

    assert "trace: off" not in finished.log.text


def test_tools_that_demand_tls_get_it_before_a_server_that_demands_it(
    step: Step, traced: RealDatabase, service: ScriptedService, tmp_path: Path
) -> None:
    """The key is in no file that the command finds, and hidden should it show all the same."""
    context, pem = certificate(tmp_path, ADDRESS)
    given = LoopbackGiven.new().model_dump()
    modes = ("disable", "require", "verify-full")
    command = f"""
        for mode in {" ".join(modes)}; do psql "sslmode=$mode" -c '\\conninfo'; done
        psql -qc "CREATE TABLE of_$PGSSLMODE ()"
        ! grep -rl 'PRIVATE[ ]KEY' "$RUNNER_TEMP"
    """
    with listening(at_once(terminating(context, traced.host, traced.port))) as port:
        behind_tls = traced.go(loopback=given, ca_certificate=pem)
        behind_tls.body["variables"] = {
            name: value.replace(f":{traced.port}/", f":{port}/").replace("=disable", "=verify-full")
            for name, value in traced.variables.items()
        } | {"PGPORT": str(port), "PGSSLMODE": "verify-full"}
        service.on(run_path("branch"), behind_tls)

        finished = step.run(migration_command=command)

    assert finished.exit_code == 0, finished.log.text
    assert finished.log.text.count("SSL connection") == 2
    trace = service.reports("branch")[0]["trace"]
    assert [each["sql"] for each in trace["statements"]] == ["CREATE TABLE of_disable ()"]
    assert len(trace["connections"]) == len(modes) + 1
    assert set(given["key"].splitlines()[1:-1]) < set(finished.log.masks)
