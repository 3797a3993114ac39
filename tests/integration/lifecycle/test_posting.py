"""Check runs reach GitHub once each, late rather than never, and within its limits."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from importlib import resources

import pytest
from psycopg import Connection, connect, sql
from psycopg.types.json import Jsonb

from app import bootstrap
from app.config import Config
from app.core.checks import CheckContent, CheckSubject, Conclusion
from app.core.identifiers import CheckId, CommentId, CommitSha, PullRequestNumber, RepositoryId
from app.core.instances import AdminLogin
from app.core.intents import PostText
from app.core.outbox import WRITES_PER_HOUR, WRITES_PER_MINUTE, TextKind
from app.jobs.queue import queue_schema
from app.operations.outbox import post_text
from app.store.connection import state_conninfo
from demo.github import faults
from demo.github.model import CheckRun, PullRequest
from tests.integration.lifecycle.job_runner import open_job_runner
from tests.integration.lifecycle.world import World, state_url


def want(world: World, title: str, branch: str = "main", *, name: str = "database") -> CheckId:
    """Some check on a branch's head."""
    sha = world.github.branch_head(world.repository, branch)
    assert sha is not None
    return world.services.store.checks.want(
        CheckContent(name=name, title=title, summary=title, conclusion=Conclusion.SUCCESS),
        CheckSubject(repository_id=RepositoryId(world.repository.id), head_sha=CommitSha(sha)),
    )


def spend(world: World, writes: int) -> None:
    """As if so many check runs had been written just now."""
    world.state.execute(
        "INSERT INTO github_writes (installation_id, queue_name)"
        " SELECT %s, 'github' FROM generate_series(1, %s)",
        [world.installation.id, writes],
    )


def seconds_to_wait(world: World, branch: str) -> float:
    """For which the check run on a branch's head was put off."""
    row = world.state.execute(
        "SELECT extract(epoch FROM scheduled_at - now())::float8 AS seconds"
        " FROM procrastinate_jobs WHERE task_name = 'outbox:post' AND args ->> 'place' = %s",
        [world.github.branch_head(world.repository, branch)],
    ).fetchone()
    assert row is not None
    return float(row["seconds"])


def shown(world: World) -> list[CheckRun]:
    return world.github.check_runs(world.repository)


def titles(world: World, name: str = "database") -> list[str]:
    return [record.output["title"] for record in shown(world) if record.name == name]


def test_a_storm_of_changes_becomes_one_write(world: World) -> None:
    world.assign()

    for number in range(20):
        want(world, f"change {number}")
    waiting = world.jobs()
    world.settle()

    assert waiting == ["outbox:post"]
    assert titles(world) == ["change 19"]
    assert shown(world)[0].writes == 1


def test_an_answer_that_is_lost_makes_no_second_check_run(world: World) -> None:
    world.assign()
    world.github.faults.plan(faults.lost_answer(), path="check-runs", method="POST")

    want(world, "once")
    world.settle()
    world.put_retries_forward()
    world.settle()

    assert titles(world) == ["once"]
    assert world.jobs() == []


def test_a_github_that_fails_gets_the_check_later(world: World) -> None:
    world.assign()
    world.github.faults.plan(faults.server_error(), path="check-runs", times=4)

    want(world, "late")
    world.settle()
    early = titles(world)
    for _ in range(4):
        world.put_retries_forward()
        world.settle()

    assert (early, titles(world)) == ([], ["late"])


def test_a_spent_budget_delays_checks_and_loses_none(world: World) -> None:
    world.assign()
    spend(world, WRITES_PER_MINUTE)

    want(world, "late")
    world.settle()
    early, waiting = titles(world), world.jobs()
    world.renew_budget()
    world.put_retries_forward()
    world.settle()

    assert (early, waiting) == ([], ["outbox:post"])
    assert titles(world) == ["late"]


def test_a_check_whose_job_gave_up_is_queued_again(world: World) -> None:
    world.assign()
    want(world, "lost")
    with connect(state_conninfo(world.dsn)) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
        connection.execute("UPDATE outbox SET changed_at = now() - interval '11 minutes'")

    world.reconcile()

    assert titles(world) == ["lost"]


def test_a_worker_that_was_thought_dead_makes_no_second_check_run(world: World) -> None:
    world.assign()
    post = world.services.store.outbox.named(want(world, "once"))
    # Both look for it before either has made it.
    world.github.faults.plan(faults.slow(0.5), path="check-runs", method="POST", times=2)

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda _: post_text(world.services, post), range(2)))

    assert titles(world) == ["once"]


def test_commits_without_a_pull_request_wait_behind_others_where_the_budget_is_short(
    world: World,
) -> None:
    world.assign()
    for branch in ("alone", "open"):
        world.github.push(world.repository, branch)
    world.github.open_pull_request(world.repository, "open")
    world.settle()
    world.renew_budget()

    # The last quarter of a minute's writes is for others.
    spend(world, WRITES_PER_MINUTE * 3 // 4)
    want(world, "nobody looks", "alone", name="own")
    want(world, "somebody looks", "open", name="own")
    world.settle()
    assert titles(world, "own") == ["somebody looks"]
    assert seconds_to_wait(world, "alone") > 0

    # Somebody does by now.
    world.github.open_pull_request(world.repository, "alone")
    world.github.hook.wait()
    world.put_retries_forward()
    world.settle()
    assert titles(world, "own") == ["somebody looks", "nobody looks"]

    # What was put off before comes first: of the last ones all, and none of them before others.
    spend(world, WRITES_PER_HOUR)
    lasts = [
        PostText(
            kind=TextKind.CHECK,
            repository_id=RepositoryId(world.repository.id),
            place=str(number),
            is_last=True,
            delay_seconds=600,
        )
        for number in range(20)
    ]
    world.services.store.queue.add(lasts)
    for branch in ("main", "open"):
        want(world, "much later", branch, name="own")
    world.settle()
    assert seconds_to_wait(world, "open") <= 60
    assert seconds_to_wait(world, "main") > 200


@pytest.fixture
def old_state(
    new_state_database: Callable[[], AbstractContextManager[str]],
    postgres_superuser: AdminLogin,
) -> Iterator[str]:
    """How to connect to a state database of before there was an outbox."""
    with new_state_database() as name:
        url = state_url(postgres_superuser, name)
        with connect(state_conninfo(url), autocommit=True) as state:
            state.execute("DROP SCHEMA coppice CASCADE")
            state.execute("CREATE SCHEMA coppice")
            state.execute("CREATE TABLE schema_versions (name text PRIMARY KEY)")
            files = resources.files("app.store") / "schema_changes"
            changes = {file.name: file.read_text() for file in files.iterdir()}
            before = {each: text for each, text in changes.items() if each < "0028"}
            for change, text in [("0000_queue.sql", queue_schema()), *sorted(before.items())]:
                state.execute(sql.SQL(text))
                state.execute(
                    "INSERT INTO schema_versions VALUES (%s)", [change.removesuffix(".sql")]
                )
        yield url


def test_what_the_version_before_wanted_is_posted_once(world: World, old_state: str) -> None:
    """One of each kind stands at GitHub, one has its job in the queue, and one lost it."""
    repository, github = world.known(), world.services.github
    shas = [CommitSha(world.github.push(world.repository, f"b{number}")) for number in range(3)]
    pulls = [world.github.open_pull_request(world.repository, f"b{number}") for number in range(3)]
    content = CheckContent(name="own", title="own", summary="own", conclusion=Conclusion.SUCCESS)
    check = github.publish_check(repository, shas[0], content, check_id=CheckId(70), github_id=None)
    comments = [
        github.comment(repository, PullRequestNumber(pulls[0].number), body)
        for body in ("the answer", "the databases")
    ]
    with connect(state_conninfo(old_state), autocommit=True) as state:
        _fill(state, world, pulls, check, comments)

    config = Config.from_environ(world.settings | {"COPPICE_DATABASE_URL": old_state})
    with ExitStack() as stack:
        opened = stack.enter_context(bootstrap.open_state(config))
        assert bootstrap.prepare_state(opened)[0] == "0028_outbox"
        services = stack.enter_context(
            bootstrap.open_services(config, opened, bootstrap.clusters(config))
        )
        runner = stack.enter_context(open_job_runner(old_state, services))
        for lost in (3, 0):
            runner.run()
            assert services.store.outbox.requeue_lost() == lost
        row = (
            stack.enter_context(connect(state_conninfo(old_state)))
            .execute(
                "SELECT count(*),"
                " count(*) FILTER (WHERE posted = wanted AND github_id IS NOT NULL),"
                " (SELECT count(*) FROM procrastinate_jobs), min(id) FILTER (WHERE kind <> 'check')"
                " FROM outbox"
            )
            .fetchone()
        )

    assert row == (9, 9, 0, 91)  # no number of a check run that was forgotten is given again
    runs = [run for run in shown(world) if run.name == "own"]
    assert [(run.head_sha, run.external_id, run.writes) for run in runs] == [
        (sha, f"7{number}", 1) for number, sha in enumerate(shas)
    ]
    for pull in pulls:
        ours = [each for each in world.github.comments(pull) if each.is_by_app]
        assert [each.writes for each in ours] == [1, 1]


OLD_ROWS = (
    "INSERT INTO pull_requests VALUES"
    " (%(repository)s, %(number)s, %(repository)s, %(branch)s, %(sha)s, true)",
    "INSERT INTO checks"
    " (id, repository_id, head_sha, name, content, github_id, posted, updated_at)"
    " OVERRIDING SYSTEM VALUE VALUES (%(check)s, %(repository)s, %(sha)s, 'own', %(content)s,"
    " CASE WHEN %(is_posted)s THEN %(github)s END, %(is_posted)s::int, now() - interval '1 hour')",
    "INSERT INTO commands (comment_id, repository_id, number, verb, sender_id, sender_login,"
    " pinned, is_done, reply, reply_id, is_reply_begun, received_at)"
    " VALUES (%(comment)s, %(repository)s, %(number)s, 'help', 1, 'mona', '{}', true, 'Yes.',"
    " CASE WHEN %(is_posted)s THEN %(reply)s END, %(is_posted)s, now() - interval '1 hour')",
    "INSERT INTO summaries (repository_id, number, comment_id, news, is_asked, updated_at)"
    " VALUES (%(repository)s, %(number)s, CASE WHEN %(is_posted)s THEN %(summary)s END,"
    " CASE WHEN %(is_posted)s THEN 'news' END, NOT %(is_posted)s, now() - interval '1 hour')",
)


def _fill(
    state: Connection[tuple[object, ...]],
    world: World,
    pulls: list[PullRequest],
    check: int,
    comments: list[CommentId],
) -> None:
    """Rows of the version before, of three kinds; the first of each is posted."""
    repository, numbers = world.repository.id, [pull.number for pull in pulls]
    state.execute(
        "INSERT INTO repositories (id, owner_id, full_name, default_branch, is_private,"
        " installation_id, installation_state) VALUES (%s, 1, %s, 'main', true, %s, 'active')",
        [repository, world.repository.full_name, world.installation.id],
    )
    content = dict.fromkeys(("details_url", "started_at", "completed_at")) | {
        "name": "own", "title": "own", "summary": "own", "conclusion": "success", "text": "",
        "actions": [],
    }  # fmt: skip
    for number, pull in enumerate(pulls):
        values = {
            "check": 70 + number, "comment": 80 + number, "repository": repository,
            "sha": pull.head_sha, "number": pull.number, "branch": pull.head_branch,
            "content": Jsonb(content), "is_posted": number == 0,
            **dict(zip(("github", "reply", "summary"), (check, *comments), strict=True)),
        }  # fmt: skip
        for statement in OLD_ROWS:
            state.execute(statement, values)
    state.execute("SELECT setval('checks_id_seq', 90)")
    for name, queue, arguments in (
        ("checks:post", "github", {"check_id": 71, "is_urgent": False}),
        (
            "replies:post",
            "comments",
            {"repository_id": repository, "number": numbers[1], "comment_id": 81},
        ),
        ("summaries:post", "comments", {"repository_id": repository, "number": numbers[1]}),
    ):
        state.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, lock, args)"
            " VALUES (%s, %s, %s, %s)",
            [name, queue, f"{name}:before", Jsonb(arguments)],
        )
