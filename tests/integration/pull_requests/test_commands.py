"""Commands in comments: who is obeyed, who is answered, who hears nothing."""

from dataclasses import replace

import pytest
from psycopg import connect

from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.core.identifiers import CommentId, CommitSha, RepositoryId, RunId, WorkflowRunId
from app.core.repositories import InstallationState
from app.operations.databases import housekeeping
from app.operations.pull_requests.commands import run_command
from app.store.connection import state_conninfo
from demo.github import faults
from tests.integration import states
from tests.integration.by_hand import delete_database
from tests.integration.pull_requests.talk import BRANCH, Talk, reactions
from tests.integration.runs.shop import query


def fill(talk: Talk) -> None:
    """A table in the branch's database, as a migration makes it."""
    job = talk.shop.job(BRANCH).begun(environments=["branch"])
    query(job.given("branch"), "CREATE TABLE orders (id int)")
    job.report("branch")
    talk.github.complete_run(job.run)
    talk.settle()


def tables(talk: Talk) -> set[str]:
    job = talk.shop.job(BRANCH).begun(environments=["branch"])
    rows = query(job.given("branch"), "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    job.report("branch")
    talk.github.complete_run(job.run)
    return {name for (name,) in rows}


def test_reset_empties_the_branchs_database_for_those_who_may_write_alone(
    talk: Talk, subtests: pytest.Subtests
) -> None:
    fill(talk)

    for role in ("none", "read", "triage"):
        with subtests.test(role):
            comment = talk.command("/db reset", role)

            assert (talk.database.generation, reactions(comment)) == (1, [])
            assert tables(talk) == {"orders"}
    for generation, role in enumerate(("write", "maintain", "admin"), start=2):
        with subtests.test(role):
            comment = talk.command("/db reset", role)

            assert (talk.database.generation, reactions(comment)) == (generation, ["eyes"])
            assert talk.database.state is DatabaseState.READY
            assert tables(talk) == set()
        fill(talk)
    assert talk.replies() == []


def test_a_command_that_a_phone_wrote_with_a_capital_is_answered_with_how_to_write_it(
    talk: Talk,
) -> None:
    stranger = talk.command("/DB RESET", "triage")
    writer = talk.command("/Db reset")

    [reply] = talk.replies()
    assert "A command is in lower case" in reply
    assert "| `/db reset` |" in reply
    assert (reactions(stranger), reactions(writer)) == ([], ["confused"])
    assert talk.database.generation == 1


def test_what_was_done_is_in_the_audit_trail(talk: Talk) -> None:
    talk.command("/db reset")

    assert ("databases reset", talk.database.name) in [
        (row["action"], row["subject"]) for row in talk.shop.audit()
    ]


def test_a_bots_command_is_ignored(talk: Talk) -> None:
    bot = talk.github.account("helper[bot]", type="Bot")
    talk.github.context.state.accounts[bot.id].type = "Bot"
    talk.shop.repository.roles[bot.id] = "admin"

    comment = talk.github.comment(talk.pull_request, "/db reset", user=bot, is_by_app=True)
    talk.settle()

    assert (talk.database.generation, reactions(comment), talk.replies()) == (1, [], [])


def test_an_edited_comment_is_ignored(talk: Talk) -> None:
    user = talk.person("admin")
    comment = talk.github.comment(talk.pull_request, "Looks good.", user=user)

    talk.github.edit_comment(comment, "/db reset", user=user)
    talk.settle()

    assert (talk.database.generation, reactions(comment)) == (1, [])


def test_a_comment_in_anothers_name_is_ignored(talk: Talk) -> None:
    talk.github.hook.hold()
    comment = talk.say("/db reset", "admin")
    talk.github.hook.release([])

    talk.github.say_as(comment, sender=talk.github.user("somebody-else"))
    talk.settle()

    assert (talk.database.generation, reactions(comment)) == (1, [])


def test_a_comment_below_an_issue_is_ignored(talk: Talk) -> None:
    issue = talk.github.open_issue(talk.shop.repository)

    comment = talk.github.comment(issue, "/db reset", user=talk.person("admin"))
    talk.settle()

    assert reactions(comment) == []
    assert len(talk.github.comments(issue)) == 1


def test_a_comment_that_is_no_command_causes_no_job(talk: Talk) -> None:
    for text in ("Nice.", "> /db reset", "```\n/db reset\n```", "Please\n/db reset"):
        talk.say(text, "admin")
    talk.github.hook.wait()

    assert "commands:run" not in talk.shop.world.jobs()


def test_a_permission_that_was_withdrawn_meanwhile_is_none(talk: Talk) -> None:
    comment = talk.say("/db reset")
    talk.github.hook.wait()
    assert "commands:run" in talk.shop.world.jobs()

    talk.github.grant(talk.shop.repository, comment.author.login, "read")
    talk.settle()

    assert (talk.database.generation, reactions(comment), talk.replies()) == (1, [], [])


def test_somebody_who_took_a_login_over_has_no_part_in_its_permissions(talk: Talk) -> None:
    comment = talk.say("/db reset")
    talk.github.hook.wait()

    accounts = talk.github.context.state.accounts
    comment.author.login = "renamed"
    impostor = talk.github.user("write-person")
    talk.shop.repository.roles[impostor.id] = "admin"
    assert accounts[impostor.id] is impostor
    talk.settle()

    assert talk.database.generation == 1


def test_a_comment_that_is_delivered_twice_is_obeyed_once(talk: Talk) -> None:
    talk.github.hook.hold()
    comment = talk.say("/db url")
    told = [each for each in talk.github.hook.held() if each.event == "issue_comment"]
    talk.github.hook.release([*told, *told])
    talk.github.say_as(comment, sender=comment.author)

    talk.settle()
    talk.github.say_as(comment, sender=comment.author)
    talk.settle()

    assert len(talk.replies()) == 1


def test_a_comment_that_was_obeyed_causes_no_job_again(talk: Talk) -> None:
    comment = talk.command("/db help")

    talk.github.say_as(comment, sender=comment.author)
    talk.github.hook.wait()

    assert talk.shop.world.jobs().count("commands:run") == 0


def test_a_job_that_runs_twice_obeys_once(talk: Talk) -> None:
    job = talk.shop.job(BRANCH).begun(environments=["branch"])
    job.migrate("branch")
    talk.github.complete_run(job.run)
    comment = talk.command("/db migrate")
    talk.github.complete_run(job.run)

    run_command(talk.shop.services, CommentId(comment.id))

    assert job.run.attempt == 2


def test_two_resets_at_once_are_one(talk: Talk) -> None:
    first, second = talk.say("/db reset"), talk.say("/db reset", "admin")

    talk.settle()

    assert talk.database.generation == 2
    assert reactions(first) == reactions(second) == ["eyes"]
    assert talk.replies() == []


def test_a_branch_that_was_made_anew_is_not_reset_by_an_old_comment(talk: Talk) -> None:
    before = talk.database.id
    comment = talk.say("/db reset")
    talk.github.hook.wait()
    with connect(talk.shop.world.dsn, options="-c search_path=coppice") as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 h'")
    talk.github.delete_branch(talk.shop.repository, BRANCH)
    talk.shop.world.settle()
    talk.shop.push(BRANCH)
    talk.github.reopen(talk.pull_request)
    assert talk.database.id != before

    talk.shop.world.put_retries_forward()
    talk.settle()

    assert talk.database.generation == 1
    assert reactions(comment) == ["confused"]
    assert "another database since" in talk.replies()[0]


def test_a_protected_branch_takes_a_maintainer(talk: Talk) -> None:
    talk.github.protect(talk.shop.repository, BRANCH)

    refused = talk.command("/db reset", "write")
    after_write = talk.database.generation
    talk.command("/db reset", "maintain")

    assert reactions(refused) == ["confused"]
    assert "protected" in talk.replies()[0]
    assert (after_write, talk.database.generation) == (1, 2)


def test_a_database_that_is_being_migrated_is_not_reset(talk: Talk) -> None:
    talk.shop.job(BRANCH).begun(environments=["branch"]).given("branch")

    comment = talk.command("/db reset")

    assert talk.database.generation == 1
    assert reactions(comment)[-1] == "confused"
    assert "A migration runs on" in talk.replies()[0]


def test_a_fork_is_told_that_it_has_no_database(talk: Talk) -> None:
    fork = talk.github.fork(talk.shop.repository, owner=talk.github.user("mallory"))
    talk.github.push(fork, BRANCH)
    forked = talk.github.open_pull_request(
        talk.shop.repository, BRANCH, head_repository=fork, author=talk.github.user("mallory")
    )

    stranger = talk.github.comment(forked, "/db reset", user=talk.github.user("mallory"))
    writer = talk.github.comment(forked, "/db reset", user=talk.person("write"))
    talk.settle()

    assert talk.database.generation == 1
    assert (reactions(stranger), reactions(writer)) == ([], ["confused"])
    [reply] = [each.body for each in talk.github.comments(forked) if each.is_by_app]
    assert "forks never get a database" in reply


def test_a_closed_pull_request_is_told_so(talk: Talk) -> None:
    talk.github.close(talk.pull_request)

    comment = talk.command("/db reset")

    assert (talk.database.generation, reactions(comment)) == (1, ["confused"])
    assert "closed" in talk.replies()[0]


@pytest.mark.usefixtures("production_and_preview")
def test_the_default_branch_as_a_head_is_never_touched(talk: Talk) -> None:
    talk.shop.push("release")
    backwards = talk.github.open_pull_request(talk.shop.repository, "main", base="release")

    for command in ("/db reset", "/db url", "/db fix", "/db migrate"):
        talk.github.comment(backwards, command, user=talk.person("admin"))
    talk.settle()

    replies = [each.body for each in talk.github.comments(backwards) if each.is_by_app]
    assert len(replies) == 4
    assert all("production" in reply for reply in replies)
    assert talk.shop.database("production").generation == 1


@pytest.mark.usefixtures("production_and_preview")
def test_an_argument_makes_no_command(talk: Talk) -> None:
    comment = talk.command("/db reset production", "admin")

    assert reactions(comment) == ["confused"]
    assert talk.database.generation == talk.shop.database("production").generation == 1
    assert "| `/db fix` |" in talk.replies()[0]


def test_help_lists_the_commands(talk: Talk) -> None:
    talk.command("/db help")

    assert "| `/db migrate` |" in talk.replies()[0]


# --- fix -----------------------------------------------------------------------------------------


def test_fix_repairs_a_failed_database(talk: Talk) -> None:
    broken = talk.database
    states.fail(talk.shop.services, broken)

    talk.command("/db fix")

    assert talk.database.state is DatabaseState.READY
    assert "| ready |" in talk.summaries()[0].body


def test_fix_shuts_nobody_out_while_github_is_away(talk: Talk) -> None:
    talk.github.faults.plan(faults.server_error(), path="/branches/", times=99)

    talk.say("/db fix")
    talk.shop.world.settle()

    assert talk.database.state is DatabaseState.READY


def test_fix_restores_a_database_that_was_deleted_by_hand(talk: Talk) -> None:
    fill(talk)
    delete_database(talk.shop.services, talk.database.id)

    talk.command("/db fix")

    assert talk.database.state is DatabaseState.READY
    assert tables(talk) == {"orders"}


# --- url -----------------------------------------------------------------------------------------


def test_url_tells_where_but_never_the_password(talk: Talk) -> None:
    talk.command("/db url")

    [reply] = talk.replies()
    password = talk.shop.services.store.databases.password(talk.database.id)
    assert f"PGDATABASE={talk.database.name}" in reply
    assert "PGHOST=" in reply
    assert password
    assert password not in reply
    assert "coppice env acme/shop --branch feature/login" in reply


def test_url_tells_nothing_where_everybody_reads(talk: Talk) -> None:
    talk.github.change_visibility(talk.shop.repository, private=False)

    talk.command("/db url")

    [reply] = talk.replies()
    assert "public" in reply
    assert "PGHOST" not in reply
    assert talk.database.login_role not in reply


def test_a_repository_that_became_public_a_moment_ago_is_public(talk: Talk) -> None:
    talk.github.hook.hold()
    talk.shop.repository.is_private = False
    talk.say("/db url")
    talk.github.hook.release()

    talk.settle()

    assert "PGHOST" not in talk.replies()[0]


def test_an_address_that_was_shown_is_in_the_audit_trail(talk: Talk) -> None:
    talk.command("/db url")

    assert "address shown" in [row["action"] for row in talk.shop.audit()]


# --- migrate -------------------------------------------------------------------------------------


def test_migrate_starts_the_recorded_job_again(talk: Talk) -> None:
    job = talk.shop.job(BRANCH).begun(environments=["branch"])
    job.migrate("branch", "failure")
    talk.github.complete_run(job.run, "failure")

    comment = talk.command("/db migrate")

    assert job.run.attempt == 2
    assert (reactions(comment), talk.replies()) == (["eyes"], [])


def test_migrate_leaves_a_run_of_the_same_commit_alone_that_reached_production(
    talk: Talk,
) -> None:
    job = talk.shop.job(BRANCH).begun(environments=["branch"])
    job.migrate("branch", "failure")
    talk.github.complete_run(job.run, "failure")
    runs = talk.shop.services.store.runs
    [own] = runs.of_commit(RepositoryId(talk.shop.world.repository.id), CommitSha(job.run.head_sha))
    of_main = replace(
        own,
        id=RunId(0),
        workflow_run_id=WorkflowRunId(own.workflow_run_id + 1),
        workflow_job_id=None,
        environments=(Environment.PRODUCTION,),
        primary=Environment.PRODUCTION,
        branch=None,
    )
    runs.start(of_main, key="")

    comment = talk.command("/db migrate")

    assert job.run.attempt == 2
    assert (reactions(comment), talk.replies()) == (["eyes"], [])


def test_migrate_says_what_to_start_when_nothing_is_recorded(talk: Talk) -> None:
    talk.command("/db migrate")

    assert "by hand" in talk.replies()[0]
    assert f"{talk.github.url}/acme/shop/actions" in talk.replies()[0]


def test_migrate_says_that_a_job_still_runs(talk: Talk) -> None:
    job = talk.shop.job(BRANCH).begun(environments=["branch"])
    job.migrate("branch")

    talk.command("/db migrate")

    assert job.run.attempt == 1
    assert "already running" in talk.replies()[0]
    assert f"/actions/runs/{job.run.id}" in talk.replies()[0]


# --- GitHub fails --------------------------------------------------------------------------------


def test_a_permission_that_github_cannot_tell_is_asked_for_again(talk: Talk) -> None:
    talk.github.faults.plan(faults.server_error(), path="collaborators", times=4)

    comment = talk.say("/db reset")
    talk.shop.world.settle()
    before = talk.database.generation
    talk.shop.world.put_retries_forward()
    talk.settle()

    assert (before, talk.database.generation) == (1, 2)
    assert reactions(comment) == ["eyes"]


def give_up(talk: Talk, task: str) -> None:
    """As if half an hour of attempts had passed, and GitHub were back then."""
    with connect(state_conninfo(talk.shop.world.dsn)) as connection:
        given_up = connection.execute(
            "DELETE FROM procrastinate_jobs WHERE task_name = %s RETURNING 1", [task]
        )
        assert given_up.rowcount > 0
        connection.execute("UPDATE commands SET received_at = now() - interval '40 min'")
        connection.execute("UPDATE outbox SET changed_at = now() - interval '40 min'")
    talk.github.faults.clear()
    for _ in range(2):
        housekeeping.reconcile_everything(talk.shop.services)
        talk.settle()


@pytest.mark.parametrize(("role", "answers"), [("write", 1), ("read", 0)])
def test_who_gave_a_command_that_was_given_up_is_told_once(
    talk: Talk, role: str, answers: int
) -> None:
    talk.github.faults.plan(faults.server_error(), path="collaborators", times=99)
    comment = talk.say("/db reset", role)
    talk.shop.world.settle()

    give_up(talk, "commands:run")

    assert talk.database.generation == 1
    assert [("not carried out" in each) for each in talk.replies()] == [True] * answers
    assert reactions(comment) == ["confused"] * answers


def test_a_command_that_changes_nothing_is_answered_however_late(talk: Talk) -> None:
    talk.github.faults.plan(faults.server_error(), path="collaborators", times=99)
    talk.say("/db help")
    talk.shop.world.settle()

    give_up(talk, "commands:run")

    assert len(talk.replies()) == 1
    assert "/db reset" in talk.replies()[0]


def test_a_reply_whose_job_gave_up_is_posted_later(talk: Talk) -> None:
    talk.github.faults.plan(faults.server_error(), path="/comments", times=99)
    talk.say("/db help")
    talk.shop.world.settle()
    assert talk.replies() == []

    give_up(talk, "outbox:post")

    assert len(talk.replies()) == 1


def test_a_reaction_that_fails_holds_nothing_up(talk: Talk) -> None:
    talk.github.faults.plan(faults.server_error(), path="reactions", times=9)

    talk.command("/db reset")

    assert talk.database.generation == 2


def test_a_reply_whose_answer_was_lost_is_made_once(talk: Talk) -> None:
    talk.github.faults.plan(faults.lost_answer(), path=r"issues/\d+/comments$", method="POST")

    talk.say("/db url")
    talk.shop.world.settle()
    talk.shop.world.put_retries_forward()
    talk.settle()

    assert len(talk.replies()) == 1


def test_a_repository_without_the_app_is_not_answered(talk: Talk) -> None:
    comment = talk.say("/db reset")
    talk.github.hook.wait()
    talk.shop.services.store.repositories.set_installation_state(
        [talk.shop.world.known().id], InstallationState.SUSPENDED
    )

    talk.shop.world.work()

    assert (talk.database.generation, reactions(comment)) == (1, [])
