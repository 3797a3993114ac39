"""The database for local work is migrated and seeded where the work is: on this machine."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import psycopg
import pytest

from tests import commands
from tests.integration.serve.installation import Installation, await_that

TABLE = 'psql -qc "CREATE TABLE IF NOT EXISTS users (name text)"'
ADA = "psql -qc \"INSERT INTO users VALUES ('Ada')\""
MIGRATE = ("migrate", "acme/shop")


@pytest.fixture
def planted(assigned: Installation) -> Installation:
    """With both commands in the assignment."""
    commands = ("--migration-command", TABLE, "--seed-command", ADA)
    assigned.ok("apps", "edit", "acme/shop", *commands)
    return assigned


def users(coppice: Installation) -> int:
    variables = json.loads(coppice.ok("env", "acme/shop", "--format", "json"))
    with psycopg.connect(variables["DATABASE_URL"]) as session:
        [row] = session.execute("SELECT count(*) FROM users").fetchall()
        count: int = row[0]
        return count


def test_dev_is_migrated_each_time_and_seeded_once(planted: Installation) -> None:
    first, second = planted.run(*MIGRATE), planted.run(*MIGRATE)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.endswith("-dev is migrated and seeded.\n")
    assert second.stdout.endswith("-dev is migrated.\n")
    assert TABLE in first.stderr
    assert ADA in first.stderr
    assert ADA not in second.stderr
    assert users(planted) == 1
    shown = ("acme/shop", "--environment", "dev")
    for look in (("list", "acme/shop"), ("show", *shown)):
        assert "from checkouts, by coppice migrate" in planted.ok("databases", *look)
    asked = json.loads(planted.ok("databases", "show", *shown, "--json"))
    assert asked["last_migration"] is None


def test_a_reset_and_a_person_bring_the_seed_again(planted: Installation) -> None:
    planted.ok(*MIGRATE)
    planted.ok("databases", "reset", "acme/shop", "--environment", "dev", "--yes")

    planted.ok(*MIGRATE)
    assert users(planted) == 1
    planted.ok("databases", "seed", "acme/shop", "--environment", "dev")
    planted.ok(*MIGRATE)
    assert users(planted) == 2
    planted.ok(*MIGRATE, "--seed")
    assert users(planted) == 3


def test_a_failed_migration_ends_with_its_code_and_is_not_seeded(planted: Installation) -> None:
    failed = planted.run(*MIGRATE, "--migration-command", "exit 7")

    assert failed.returncode == 7
    assert "The migration command ended with exit code 7. Nothing was seeded." in failed.stderr
    assert ADA not in failed.stderr
    planted.ok(*MIGRATE)
    assert users(planted) == 1


@pytest.mark.parametrize("command", ["(exit 7)\necho deployed", "(exit 7) | tee /dev/null"])
def test_a_command_of_which_a_part_fails_is_a_failure(planted: Installation, command: str) -> None:
    failed = planted.run(*MIGRATE, "--migration-command", command)

    assert (failed.returncode, "deployed" in failed.stdout) == (7, False), failed.stderr


def test_a_failed_seed_ends_with_its_code_and_is_tried_again(planted: Installation) -> None:
    failed = planted.run(*MIGRATE, "--seed-command", "kill -9 $$")

    assert failed.returncode == 137
    assert "The seed command ended with exit code 137. The migration succeeded" in failed.stderr
    planted.ok(*MIGRATE)
    assert users(planted) == 1


def test_what_never_connected_is_neither_migrated_nor_seeded(planted: Installation) -> None:
    unseen = planted.run(*MIGRATE, "--migration-command", "npx nothing || true")
    half = planted.run(*MIGRATE, "--seed-command", "true")
    planted.ok(*MIGRATE)

    assert (unseen.returncode, half.returncode) == (0, 0), unseen.stderr + half.stderr
    assert "does not count as migrated" in unseen.stdout
    assert "never connected to" in unseen.stderr
    assert ADA not in unseen.stderr
    assert "it does not count as seeded" in half.stdout
    assert users(planted) == 1


def test_a_wait_is_told_and_what_was_left_also_after_ctrl_c(planted: Installation) -> None:
    variables = json.loads(planted.ok("env", "acme/shop", "--format", "json"))
    command = "\n".join(
        [
            "psql -qc 'CREATE UNIQUE INDEX CONCURRENTLY remains ON twice (id)' || true",
            "psql -qc 'ALTER TABLE twice ADD CONSTRAINT later CHECK (id > 0) NOT VALID'",
            "psql -qc 'DROP TABLE held'",
        ]
    )
    with psycopg.connect(variables["DATABASE_URL"], application_name="nightly") as holder:
        holder.execute("CREATE TABLE twice (id int); INSERT INTO twice VALUES (1), (1)")
        holder.execute("CREATE TABLE held (id int)")
        holder.commit()
        holder.execute("SELECT FROM held")

        log = planted.folder / "stderr"
        with (
            log.open("w") as stderr,
            subprocess.Popen(
                [sys.executable, "-m", "app", *MIGRATE, "--migration-command", command],
                cwd=commands.CHECKOUT,
                env=planted.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            ) as migrate,
        ):
            try:
                await_that(lambda: "held by" in log.read_text(), what=log)
            finally:
                os.killpg(migrate.pid, signal.SIGINT)
        pid = holder.info.backend_pid

    told, _, rest = log.read_text().partition("held by")
    database, role = variables["PGDATABASE"], variables["PGUSER"]
    assert re.search(
        r"^coppice: session \d+ \('psql'\) has waited for 1\d s for a lock on public.held"
        r" \(AccessExclusiveLock\)\.\ncoppice:   $",
        told,
        re.MULTILINE,
    )
    assert rest.startswith(f" session {pid} of {role} ('nightly'), in a transaction that began ")
    assert f"left an invalid index on {database}: public.remains. PostgreSQL" in rest
    assert f"Made on {database} and not validated: the constraint later on public.twice." in rest
    assert "The migration command ended with exit code" in rest
    assert (migrate.returncode, "Traceback" in rest) == (1, False)


def test_a_tool_finds_this_database_under_every_name_that_is_inherited(
    planted: Installation,
) -> None:
    other = "postgresql://app:secret@127.0.0.1:9/other"
    inherited = {"DIRECT_URL": other, "REPORTING_URL": other, "WAREHOUSE_URL": other}
    command = (
        'test "$DIRECT_URL$MINE" = "$DATABASE_URL$DATABASE_URL"\n'
        f'test "${{REPORTING_URL-no}} $WAREHOUSE_URL" = "no {other}"\n{TABLE}'
    )
    planted = replace(
        planted, settings={**planted.settings, **inherited}, way_to_run=commands.start
    )

    ran = planted.run(
        *(*MIGRATE, "--no-seed", "--migration-command", command),
        *("--database-variables", "MINE", "--keep-env", "WAREHOUSE_URL"),
    )
    refused = planted.run(*MIGRATE, "--keep-env", "PGHOST")

    assert ran.returncode == 0, ran.stderr
    assert "Taken away, since they lead to other databases: REPORTING_URL (" in ran.stderr
    assert "secret" not in ran.stderr.partition("running the migration command")[0]
    assert (refused.returncode, "--keep-env may not name PGHOST" in refused.stderr) == (1, True)


def test_a_database_that_needs_no_seed_is_left_alone(planted: Installation) -> None:
    planted.ok(*MIGRATE, "--no-seed")
    planted.ok(*MIGRATE)

    assert users(planted) == 0


def test_one_that_was_migrated_before_there_was_a_seed_command_is_not_new(
    assigned: Installation,
) -> None:
    assigned.ok(*MIGRATE, "--migration-command", TABLE)

    again = assigned.run(*MIGRATE, "--migration-command", TABLE, "--seed-command", ADA)

    assert again.returncode == 0
    assert "--seed runs the command once more" in again.stderr
    assert users(assigned) == 0


def test_the_commands_get_what_env_prints_and_none_of_the_service_s_secrets(
    planted: Installation,
) -> None:
    inherited = {"PGAPPNAME": "x", "DATABASE_URL_POOLED": "postgresql://elsewhere"}
    command = (
        'test -n "$SHADOW_DATABASE_URL" && test "$COPPICE_ENVIRONMENT" = dev && '
        'test -z "$COPPICE_SECRET_KEYS$PGAPPNAME$DATABASE_URL_POOLED"'
    )

    planted = replace(
        planted, settings={**planted.settings, **inherited}, way_to_run=commands.start
    )

    planted.ok(*MIGRATE, "--migration-command", command, "--no-seed")


def test_without_a_migration_command_it_is_said_how_to_give_one(assigned: Installation) -> None:
    assigned.ok("apps", "edit", "acme/shop", "--migration-command", "")

    refused = assigned.run(*MIGRATE)

    assert refused.returncode == 1
    assert "--migration-command COMMAND" in refused.stderr


def test_the_shadow_is_not_seeded(planted: Installation) -> None:
    variables = json.loads(planted.ok("env", "acme/shop", "--format", "json"))

    refused = planted.run("databases", "seed", f"{variables['PGDATABASE']}-shadow")

    assert (refused.returncode, "no sample data" in refused.stderr) == (1, True)
