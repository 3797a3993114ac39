"""The one comment about a pull request's databases: there, right, and seldom written."""

import re

import pytest
from psycopg import connect

from app.core.databases import DatabaseState
from app.core.identifiers import CommitSha, RepositoryId
from app.core.limits import Limits
from app.core.outbox import WRITES_PER_MINUTE
from app.operations.databases import housekeeping
from app.operations.databases.provisioning import answers
from app.operations.outbox import post_text
from app.operations.pull_requests.commits import answer_commit
from app.store.connection import state_conninfo
from demo.github import faults
from tests.integration import states
from tests.integration.pull_requests.talk import BRANCH, Talk


def break_database(talk: Talk) -> None:
    """As when its server failed while it was being made."""
    database = talk.database
    states.fail(talk.shop.services, database, then=answers(talk.shop.services.store, database))


# --- a pull request's normal life ----------------------------------------------------------------


def test_a_pull_request_that_goes_well_takes_two_writes(talk: Talk) -> None:
    talk.settle()
    before = talk.writes()
    talk.migrate()
    talk.settle()
    opened = talk.summaries()[0].body
    talk.github.close(talk.pull_request, merged=True)
    talk.github.delete_branch(talk.shop.repository, BRANCH)
    talk.settle()

    [comment] = talk.ours()
    assert (before, comment.writes) == (0, 2)
    assert f"| `{talk.shop.app_id}--" in opened
    assert "| ready | [success](http://" in opened
    assert " MB |" in opened
    assert "deleted; its data is kept until" in comment.body


def test_what_a_run_locked_stands_in_the_comment_without_names_in_public(talk: Talk) -> None:
    lock = {"relation": "public.users", "kind": "r", "mode": "SHARE", "rows": 0, "bytes": 0}
    sql = {"sql": "ALTER", "ms": 1, "held_ms": 1, "transaction": 1, "rewrites": ["public.users"]}
    talk.migrate()
    talk.settle()
    talk.migrate(trace={"statements": [sql | {"locks": [lock]}]})
    talk.settle()
    private = talk.summaries()[0].body
    talk.github.change_visibility(talk.shop.repository, private=False)
    talk.migrate(trace={"statements": [sql | {"locks": [lock]}] * 2})
    talk.settle()

    [comment] = talk.ours()
    assert "1 rewrite of `users`, [details](" in private
    assert ": 2 rewrites, [details](" in comment.body
    assert "users" not in comment.body
    assert comment.writes == 3


def test_the_comment_and_the_check_lead_to_pages_that_are_there(talk: Talk) -> None:
    talk.migrate()
    talk.settle()

    shop = talk.shop
    check = shop.checks(talk.pull_request.head_sha)["migrate (branch)"]
    told = f"{talk.summaries()[0].body}\n{check.summary}"
    run, app, again = re.findall(rf"\]\({shop.services.public_url}(/apps/[^)]+)\)", told)

    pages = shop.client.application.url_map.bind("")
    assert pages.match(run)[0] == pages.match(again)[0] == "dashboard.runs.show"
    assert pages.match(app) == ("dashboard.apps.show", {"app_id": shop.app_id})


def test_a_database_past_its_limit_is_told_with_what_is_written_anyway(talk: Talk) -> None:
    services = talk.shop.services
    talk.migrate()
    talk.settle()
    before = talk.summaries()[0].body
    services.store.limits.set(talk.database.instance_id, Limits(database_bytes=1024**2))
    talk.migrate()
    talk.settle()
    writes = talk.writes()
    talk.migrate("failure")
    talk.settle()

    assert "more than" not in before
    assert writes == 1
    assert ", more than the 1.0 MB that are allowed. | [**failure**](" in talk.summaries()[0].body


@pytest.mark.usefixtures("production_and_preview")
def test_the_comment_tells_of_preview_too(talk: Talk) -> None:
    job = talk.shop.job(BRANCH).begun()
    job.migrate("branch")
    job.migrate("preview", "failure")
    talk.github.complete_run(job.run, "failure")
    talk.settle()

    [comment] = talk.summaries()
    [line] = [line for line in comment.body.splitlines() if "preview, shared" in line]
    assert "**failure**" in line
    assert comment.writes == 1


def test_a_storm_of_pushes_is_no_storm_of_comments(talk: Talk) -> None:
    talk.migrate()
    talk.settle()

    for _ in range(12):
        talk.shop.github.push(talk.shop.repository, BRANCH)
        talk.migrate()
    talk.settle()

    assert talk.writes() == 1
    assert len(talk.summaries()) == 1


def test_many_changes_before_it_is_written_are_one_write(talk: Talk) -> None:
    for number in range(6):
        talk.migrate("failure" if number % 2 == 0 else "success")
    talk.settle()

    assert talk.writes() == 1


def test_what_goes_wrong_and_what_mends_it_are_told(talk: Talk) -> None:
    talk.migrate()
    talk.settle()

    talk.migrate("failure")
    talk.settle()
    failed = talk.summaries()[0].body
    talk.migrate()
    talk.settle()

    assert "| ready | [**failure**](" in failed
    assert "| ready | [success](" in talk.summaries()[0].body
    assert talk.writes() == 3


def test_a_seed_that_fails_and_what_mends_it_are_told_as_the_check_tells_them(talk: Talk) -> None:
    talk.migrate(seed="failure")
    talk.settle()
    failed = talk.summaries()[0].body
    check = talk.shop.checks(talk.pull_request.head_sha)["migrate (branch)"]
    talk.migrate(seed="failure")
    talk.settle()
    writes = talk.writes()
    talk.migrate(seed="success")
    talk.settle()
    talk.migrate()
    talk.settle()

    assert check.title.endswith(", but the seed command failed with exit code 1")
    assert "| ready | [**migrated, but the seed failed**](" in failed
    assert "| ready | [success](" in talk.summaries()[0].body
    assert (writes, talk.writes()) == (1, 2)


def test_a_database_that_fails_is_told_without_waiting_for_a_migration(talk: Talk) -> None:
    break_database(talk)
    talk.settle()

    assert "**failed**" in talk.summaries()[0].body
    assert "It broke" not in talk.summaries()[0].body


def test_without_any_workflow_the_comment_comes_all_the_same(talk: Talk) -> None:
    answer_commit(
        talk.shop.services,
        RepositoryId(talk.shop.repository.id),
        CommitSha(talk.pull_request.head_sha),
    )
    talk.settle()

    assert "| ready | none yet | " in talk.summaries()[0].body


def test_while_a_workflow_runs_its_migration_is_waited_for(talk: Talk) -> None:
    talk.shop.job(BRANCH)

    answer_commit(
        talk.shop.services,
        RepositoryId(talk.shop.repository.id),
        CommitSha(talk.pull_request.head_sha),
    )
    talk.settle()

    assert talk.ours() == []


def test_a_pull_request_that_was_migrated_before_is_told_of_at_once(talk: Talk) -> None:
    talk.migrate()
    talk.settle()
    talk.github.close(talk.pull_request)
    talk.settle()

    again = talk.github.open_pull_request(talk.shop.repository, BRANCH)
    talk.shop.world.settle()

    [comment] = talk.github.comments(again)
    assert "| ready | [success](" in comment.body


def test_a_pull_request_that_is_reopened_says_so(talk: Talk) -> None:
    talk.migrate()
    talk.settle()
    talk.github.close(talk.pull_request)
    talk.settle()
    closed = talk.summaries()[0].body

    talk.github.reopen(talk.pull_request)
    talk.settle()

    assert "This pull request is closed" in closed
    assert "This pull request is closed" not in talk.summaries()[0].body


@pytest.mark.parametrize("is_fork", [True, False])
def test_a_pull_request_without_a_database_gets_no_comment(talk: Talk, is_fork: bool) -> None:
    talk.shop.set_policies(ignore_patterns=("docs/**",))
    head = talk.shop.repository
    if is_fork:
        head = talk.github.fork(talk.shop.repository, owner=talk.github.user("mallory"))
    branch = BRANCH if is_fork else "docs/typo"
    talk.github.push(head, branch)

    other = talk.github.open_pull_request(talk.shop.repository, branch, head_repository=head)
    talk.settle()
    talk.github.close(other)
    talk.settle()

    assert talk.github.comments(other) == []


def test_a_pull_request_that_ends_before_anything_happened_is_left_in_peace(talk: Talk) -> None:
    talk.github.close(talk.pull_request)
    talk.settle()

    assert talk.ours() == []


def test_an_old_webhook_that_comes_again_closes_nothing(talk: Talk) -> None:
    talk.github.close(talk.pull_request)
    talk.github.reopen(talk.pull_request)
    talk.migrate()
    talk.settle()
    [closed] = [each for each in talk.github.deliveries if each.payload.get("action") == "closed"]

    closed.guid = "another"
    talk.github.hook.redeliver(closed)
    talk.settle()

    assert "This pull request is closed" not in talk.summaries()[0].body
    assert talk.writes() == 1


# --- asked for -----------------------------------------------------------------------------------


def test_status_makes_the_comment_or_brings_it_up_to_date(talk: Talk) -> None:
    talk.command("/db status", "read")
    first = [comment.writes for comment in talk.ours()]
    talk.command("/db status", "read")

    assert (first, [comment.writes for comment in talk.ours()]) == ([1], [2])
    assert talk.replies() == []


def test_status_is_answered_while_more_to_tell_is_waited_for(talk: Talk) -> None:
    talk.migrate()
    talk.say("/db status")

    talk.shop.world.settle()

    assert talk.writes() == 1


def test_a_reset_is_told_when_it_is_over(talk: Talk) -> None:
    talk.migrate()
    talk.settle()

    talk.command("/db reset")

    told = "| ready | none since it was emptied: now `/db migrate`, or push | "
    assert told in talk.summaries()[0].body
    assert talk.writes() == 3


# --- found again ---------------------------------------------------------------------------------


def test_the_comment_is_edited_in_place_among_hundreds_of_others(talk: Talk) -> None:
    talk.migrate()
    talk.settle()
    for number in range(300):
        talk.github.comment(talk.pull_request, f"Opinion {number}", user=talk.person("write"))

    talk.command("/db status")

    assert len(talk.ours()) == 1
    assert talk.ours()[0].writes == 2


def test_a_comment_that_nobody_remembers_is_found_among_hundreds(talk: Talk) -> None:
    for number in range(150):
        talk.github.comment(talk.pull_request, f"Opinion {number}", user=talk.person("write"))
    talk.migrate()
    talk.settle()
    for number in range(150):
        talk.github.comment(talk.pull_request, f"Reply {number}", user=talk.person("write"))
    with connect(state_conninfo(talk.shop.world.dsn)) as connection:
        connection.execute("DELETE FROM outbox WHERE kind = 'summary'")

    talk.command("/db status")

    assert len(talk.ours()) == 1
    assert talk.ours()[0].writes == 2


def test_a_comment_that_somebody_deleted_is_made_again(talk: Talk) -> None:
    talk.migrate()
    talk.settle()
    talk.github.delete_comment(talk.ours()[0], user=talk.person("maintain"))

    talk.command("/db status")

    assert len(talk.summaries()) == 1


# --- GitHub is slow, limits, or is down -----------------------------------------------------------


def test_an_answer_that_is_lost_makes_no_second_comment(talk: Talk) -> None:
    talk.github.faults.plan(faults.lost_answer(), path="/comments", method="POST")
    talk.migrate()
    talk.settle()

    talk.shop.world.put_retries_forward()
    talk.settle()

    assert len(talk.summaries()) == 1


def test_a_github_that_takes_no_comments_delays_nothing_else(talk: Talk) -> None:
    talk.github.faults.plan(faults.secondary_limit(600), path="/issues/", times=99)
    talk.migrate()
    talk.shop.push("other")
    sha = talk.shop.push(BRANCH)

    assert talk.shop.database("branch", "other").state is DatabaseState.READY
    [check] = [
        one for one in talk.github.check_runs(talk.shop.repository, sha) if one.name == "database"
    ]
    assert check.conclusion == "success"


def test_a_comment_whose_job_gave_up_is_written_later(talk: Talk) -> None:
    talk.github.faults.plan(faults.server_error(), path="/comments", times=99)
    talk.migrate()
    talk.shop.world.settle()
    talk.hurry()
    talk.shop.world.settle()
    with connect(state_conninfo(talk.shop.world.dsn)) as connection:
        connection.execute("DELETE FROM procrastinate_jobs WHERE args ->> 'kind' = 'summary'")
        connection.execute("UPDATE outbox SET changed_at = now() - interval '20 min'")
    assert talk.ours() == []

    talk.github.faults.clear()
    housekeeping.reconcile_everything(talk.shop.services)
    talk.settle()

    assert len(talk.summaries()) == 1


def test_a_comment_that_finds_its_database_in_between_is_written_later(talk: Talk) -> None:
    talk.migrate()
    talk.settle()
    talk.github.faults.plan(faults.server_error(), path="/comments", times=99)
    talk.migrate("failure")
    talk.settle()
    talk.github.faults.clear()
    world = talk.shop.world
    world.state.execute("DELETE FROM procrastinate_jobs WHERE args ->> 'kind' = 'summary'")
    world.state.execute("UPDATE databases SET state = 'creating' WHERE id = %s", [talk.database.id])

    post_text(talk.shop.services, talk.text)
    world.state.execute("UPDATE databases SET state = 'ready' WHERE id = %s", [talk.database.id])
    world.state.execute("UPDATE outbox SET changed_at = now() - interval '20 min'")
    world.services.store.outbox.requeue_lost()
    talk.settle()

    assert "[**failure**](" in talk.summaries()[0].body


def test_a_last_word_that_was_never_asked_for_is_said_later(talk: Talk) -> None:
    talk.migrate()
    talk.settle()
    talk.github.hook.hold()
    talk.github.close(talk.pull_request)
    talk.github.hook.release([])
    with connect(state_conninfo(talk.shop.world.dsn)) as connection:
        connection.execute("UPDATE outbox SET changed_at = now() - interval '20 min'")

    talk.shop.world.reconcile()
    housekeeping.reconcile_everything(talk.shop.services)
    talk.settle()

    assert "This pull request is closed" in talk.summaries()[0].body


def test_comments_keep_within_the_installations_budget(talk: Talk) -> None:
    installation_id = talk.shop.world.known().installation_id
    assert installation_id is not None
    for _ in range(WRITES_PER_MINUTE):
        talk.shop.services.store.outbox.take_turn(talk.text, installation_id)

    talk.command("/db url")
    talk.command("/db status")
    before = talk.writes()
    talk.shop.world.renew_budget()
    talk.settle()

    assert before == 0
    assert (len(talk.replies()), len(talk.summaries())) == (1, 1)


def test_a_worker_that_dies_in_between_leaves_one_comment(talk: Talk) -> None:
    talk.migrate()
    talk.settle()

    talk.shop.services.store.outbox.begin(talk.text)
    with connect(state_conninfo(talk.shop.world.dsn)) as connection:
        connection.execute("UPDATE outbox SET github_id = NULL WHERE kind = 'summary'")
        connection.execute("UPDATE summaries SET news = NULL")
    talk.command("/db status")

    assert len(talk.summaries()) == 1
