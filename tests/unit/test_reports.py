"""What our check runs say about databases and migrations."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.core.assignments import App
from app.core.checks import Conclusion
from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.core.identifiers import (
    AppId,
    BranchName,
    CommitSha,
    DatabaseName,
    MigrationId,
    RepositoryId,
    RunId,
    WorkflowRunId,
)
from app.core.runs import (
    CredentialKind,
    Migration,
    MigrationResult,
    Run,
    Seeding,
    Unfinished,
    UnfinishedKind,
)
from app.operations.checks import migration_reports, reports
from app.operations.checks.command_words import MAX_TEXT
from app.operations.checks.migration_reports import Story
from tests.unit.databases import database

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FIRST = App(id=AppId("3ba03b"), repository_id=RepositoryId(42), has_bare_checks=True)
LATER = App(id=AppId("docs"), repository_id=RepositoryId(42), has_bare_checks=False)
DATABASE = database(
    "feature/login",
    name=DatabaseName("3ba03b--feature-login--abc"),
    migrated_sha=None,
    migrated_at=None,
)
RUN = Run(
    id=RunId(17),
    app_id=FIRST.id,
    repository_id=RepositoryId(42),
    workflow_run_id=WorkflowRunId(900),
    workflow_attempt=1,
    workflow_job_id=None,
    job_name="migrate",
    event="push",
    head_sha=CommitSha("a" * 40),
    branch=BranchName("feature/login"),
    environments=(Environment.BRANCH, Environment.PREVIEW),
    primary=Environment.BRANCH,
    migrates=True,
    credentials=CredentialKind.JOB,
    export_env=False,
    credentials_minutes=60,
    timeout_minutes=30,
    command="npx prisma migrate deploy",
    created_at=NOW,
)
FAILED = Migration(
    id=MigrationId(5),
    run_id=RUN.id,
    database_id=DATABASE.id,
    environment=Environment.BRANCH,
    started_at=NOW,
    finished_at=NOW,
    result=MigrationResult.FAILURE,
    exit_code=1,
    duration_seconds=3.24,
    log_tail="ERROR: relation does not exist\n",
    rebuilt=False,
    generation=1,
)
STORY = Story(
    app=FIRST,
    run=RUN,
    migration=FAILED,
    database=DATABASE,
    job_url="https://github.com/acme/shop/actions/runs/900/job/1",
    run_url="https://coppice.example.com/apps/3ba03b/runs/17",
    shows_log=True,
)


def told(**changes: object) -> Story:
    """The failed migration with some things different."""
    return replace(STORY, migration=replace(FAILED, **changes))  # type: ignore[arg-type]


INDEX = Unfinished(
    kind=UnfinishedKind.INDEX, namespace="public", table="users", name="by_mail`@octocat"
)
CONSTRAINT = replace(INDEX, kind=UnfinishedKind.CONSTRAINT, name="positive")


def test_an_invalid_index_is_in_the_title_and_a_constraint_in_the_summary_alone() -> None:
    content = migration_reports.finished(
        told(result=MigrationResult.SUCCESS, exit_code=0, unfinished=(INDEX, CONSTRAINT))
    )

    assert content.title == "Migrated in 3.2 s, left an invalid index"
    assert "**The run left an invalid index behind.**" in content.summary
    assert "- `` by_mail`@octocat `` on `public.users`" in content.summary
    assert "Made and not validated: 1 constraint." in content.summary
    assert "- `positive` on `public.users`" in content.summary


def test_names_stay_private_where_the_log_does() -> None:
    story = replace(told(unfinished=(INDEX, INDEX)), shows_log=False)

    content = migration_reports.finished(story)

    assert content.title.endswith(", left 2 invalid indexes")
    assert "by_mail" not in content.summary


def test_the_first_app_has_the_bare_names() -> None:
    assert reports.database_check_name(FIRST) == "database"
    assert reports.migration_check_name(FIRST, Environment.PREVIEW) == "migrate (preview)"


def test_a_later_app_carries_its_id_in_the_names() -> None:
    assert reports.database_check_name(LATER) == "database (docs)"
    assert reports.migration_check_name(LATER, Environment.BRANCH) == "migrate (branch, docs)"


def test_a_made_database_says_how_long_it_took() -> None:
    content = reports.database_ready(FIRST, DATABASE, seconds=0.42)

    assert content.conclusion is Conclusion.SUCCESS
    assert "`3ba03b--feature-login--abc` of branch `feature/login` was made in 420 ms" in (
        content.summary
    )


def test_a_database_that_could_not_be_made_says_why_and_has_a_button() -> None:
    broken = replace(DATABASE, state=DatabaseState.ERROR, reason="The disk is full.")

    content = reports.database_failed(FIRST, broken)

    assert content.conclusion is Conclusion.FAILURE
    assert "The disk is full." in content.summary
    assert [(action.label, action.identifier) for action in content.actions] == [("Fix", "fix")]


def test_buttons_keep_githubs_limits() -> None:
    assert len(reports.FIX.label) <= 20
    assert len(reports.FIX.description) <= 40
    assert len(reports.FIX.identifier) <= 20


def test_a_failure_says_duration_command_exit_code_and_rerun() -> None:
    content = migration_reports.finished(STORY)

    assert content.conclusion is Conclusion.FAILURE
    assert content.title == "Failed with exit code 1 after 3.2 s"
    for words in ("3.2 s", "Exit code: 1", "`npx prisma migrate deploy`", "**Re-run**"):
        assert words in content.summary


def test_the_log_is_shown_where_readers_may_see_it() -> None:
    content = migration_reports.finished(STORY)

    assert content.text == "```text\nERROR: relation does not exist\n```"


def test_all_of_it_is_a_step_away_on_the_dashboard() -> None:
    for content in (
        migration_reports.finished(STORY),
        migration_reports.finished(told(result=MigrationResult.SUCCESS)),
        migration_reports.in_progress(told(finished_at=None, result=None)),
    ):
        assert "[The dashboard](https://coppice.example.com/apps/3ba03b/runs/17)" in content.summary
        assert content.details_url == STORY.job_url


def test_an_address_that_readers_cannot_reach_is_not_given() -> None:
    story = replace(STORY, run_url=None)

    for content in (migration_reports.finished(story), migration_reports.in_progress(story)):
        assert "The dashboard" not in content.summary


def test_elsewhere_there_is_only_a_link_to_the_job() -> None:
    content = migration_reports.finished(replace(STORY, shows_log=False))

    assert content.text == ""
    assert "https://github.com/acme/shop/actions/runs/900/job/1" in content.summary


@pytest.mark.parametrize(
    ("result", "conclusion"),
    [
        (MigrationResult.SUCCESS, Conclusion.SUCCESS),
        (MigrationResult.FAILURE, Conclusion.FAILURE),
        (MigrationResult.TIMED_OUT, Conclusion.FAILURE),
        (MigrationResult.SUPERSEDED, Conclusion.SKIPPED),
        (MigrationResult.NEVER_CONNECTED, Conclusion.NEUTRAL),
    ],
)
def test_each_result_has_its_conclusion(result: MigrationResult, conclusion: Conclusion) -> None:
    assert migration_reports.finished(told(result=result)).conclusion is conclusion


def test_preview_beside_a_branch_is_neutral() -> None:
    content = migration_reports.finished(told(environment=Environment.PREVIEW))

    assert content.conclusion is Conclusion.NEUTRAL
    assert "shared by all branches" in content.summary


def test_a_command_that_never_connected_is_told_as_that() -> None:
    story = told(
        result=MigrationResult.NEVER_CONNECTED, exit_code=0, environment=Environment.PREVIEW
    )

    content = migration_reports.finished(story)

    assert content.title == "The command ended well, but never connected to it"
    assert "nothing counts as migrated" in content.summary
    assert "shared by all branches" not in content.summary


def test_preview_alone_is_not() -> None:
    story = told(environment=Environment.PREVIEW)
    alone = replace(story, run=replace(RUN, environments=(Environment.PREVIEW,)))

    assert migration_reports.finished(alone).conclusion is Conclusion.FAILURE


def test_a_rebuilt_preview_says_so() -> None:
    content = migration_reports.finished(told(environment=Environment.PREVIEW, rebuilt=True))

    assert "**made anew**" in content.summary


def test_a_lost_runner_is_told_apart_from_a_failed_command() -> None:
    content = migration_reports.finished(told(duration_seconds=None, exit_code=None, log_tail=""))

    assert content.title == "The runner went away"


def test_a_log_full_of_fences_stays_inside_its_own() -> None:
    content = migration_reports.finished(told(log_tail="```\n# heading\n`````\n@everyone"))

    assert content.text.startswith("``````text\n")
    assert content.text.endswith("\n``````")


@pytest.mark.parametrize("letter", ["x", "`", "\U0001f331"])
def test_the_longest_log_fits_github(letter: str) -> None:
    content = migration_reports.finished(told(log_tail=letter * 200_000))

    assert 30_000 < len(content.text) <= MAX_TEXT


def test_a_command_of_several_lines_is_a_block() -> None:
    story = replace(STORY, run=replace(RUN, command="set -e\nmake migrate\n"))

    assert "```text\nset -e\nmake migrate\n```" in migration_reports.finished(story).summary


def test_a_migration_in_progress_has_no_conclusion() -> None:
    content = migration_reports.in_progress(told(finished_at=None, result=None))

    assert content.conclusion is None
    assert content.title == "Migrating 3ba03b--feature-login--abc"


SEED = Seeding(
    result=MigrationResult.SUCCESS, exit_code=0, duration_seconds=0.5, log_tail="2 users\n"
)


def seeded(**changes: object) -> Story:
    """A migration that succeeded, and what became of the seed."""
    seeding = replace(SEED, **changes)  # type: ignore[arg-type]
    story = told(result=MigrationResult.SUCCESS, exit_code=0, log_tail="1 applied", seeding=seeding)
    return replace(story, run=replace(RUN, seed_command="npx prisma db seed"))


def test_a_seed_is_part_of_the_success() -> None:
    content = migration_reports.finished(seeded())

    assert content.conclusion is Conclusion.SUCCESS
    assert content.title == "Migrated in 3.2 s, seeded in 500 ms"
    assert "`npx prisma db seed`" in content.summary
    assert content.text == "```text\n1 applied\n```\n\n```text\n2 users\n```"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"result": MigrationResult.FAILURE, "exit_code": 3}, "failed with exit code 3"),
        ({"result": MigrationResult.FAILURE, "exit_code": None}, "but the seed command failed"),
        ({"result": MigrationResult.TIMED_OUT, "exit_code": None}, "the time was over"),
    ],
)
def test_a_failed_seed_fails_the_check_of_a_migration_that_succeeded(
    changes: dict[str, object], words: str
) -> None:
    content = migration_reports.finished(seeded(**changes))

    assert content.conclusion is Conclusion.FAILURE
    assert content.title.startswith("Migrated in 3.2 s, ")
    assert words in content.title
    assert "**The migration itself succeeded**" in content.summary


def test_two_long_logs_fit_github_together() -> None:
    story = seeded(log_tail="`" * 200_000)
    both = replace(story, migration=replace(story.migration, log_tail="`" * 200_000))

    assert 30_000 < len(migration_reports.finished(both).text) <= MAX_TEXT


SAID = "psql:db/structure.sql:12: ERROR:  must be owner of extension plpgsql\n"


def test_a_comment_on_an_extension_of_the_servers_is_explained() -> None:
    migration = told(log_tail=SAID)
    seed = seeded(log_tail=SAID, result=MigrationResult.FAILURE, exit_code=1)

    for story in (migration, replace(migration, shows_log=False), seed):
        assert "pg_dump --no-comments" in migration_reports.finished(story).summary
    for story in (told(), told(log_tail=SAID, result=MigrationResult.SUCCESS, exit_code=0)):
        assert "--no-comments" not in migration_reports.finished(story).summary
