"""No repository and no instance gets all threads of a worker; what failed comes after others."""

from typing import Any

import pytest

from app.core.queues import GITHUB
from app.jobs.shares import SHARES
from tests.integration.queue.book import Book

SEAL = "databases:seal"
OURS, THEIRS, ELSEWHERE = 1, 2, 3
"""Repositories: the first two are on one instance, the third has one of its own."""
[LIMITS] = SHARES.values()


@pytest.fixture
def book(book: Book) -> Book:
    """With ten databases of each repository: 10 to 19 of the first, and so on."""
    for name in ("shared", "own"):
        book.state.execute(
            "INSERT INTO instances (name, kind, admin_host, admin_port, admin_sslmode, admin_user,"
            " admin_password, public_host, public_port, public_sslmode)"
            " VALUES (%s, 'linked', 'h', 1, 'disable', 'u', '', 'h', 1, 'disable')",
            [name],
        )
    for repository in (OURS, THEIRS, ELSEWHERE):
        book.state.execute(
            "INSERT INTO repositories"
            " (id, owner_id, full_name, default_branch, is_private, installation_state)"
            " VALUES (%s, 1, %s, 'main', true, 'active')",
            [repository, f"o/r{repository}"],
        )
        book.state.execute(
            "WITH app AS (INSERT INTO apps (id, repository_id, has_bare_checks)"
            "   VALUES (%(app)s, %(repository)s, true)),"
            " assignment AS (INSERT INTO assignments"
            "   (app_id, instance_id, migration_command, policies)"
            "   VALUES (%(app)s, %(instance)s, '', '{}'))"
            " INSERT INTO databases (id, app_id, instance_id, environment, branch, name,"
            "   owner_role, login_role, marker, state) OVERRIDING SYSTEM VALUE"
            " SELECT n, %(app)s, %(instance)s, 'branch', n, n, n, n, n, 'deleted'"
            " FROM generate_series(%(repository)s * 10, %(repository)s * 10 + 9) AS n",
            {
                "app": f"app{repository}",
                "repository": repository,
                "instance": 2 if repository == ELSEWHERE else 1,
            },
        )
    return book


def add(book: Book, repository: int, count: int = 10, **columns: Any) -> list[int]:
    """A job for each of so many databases of the repository."""
    return [
        book.add(
            SEAL, args={"database_id": repository * 10 + n}, lock=f"{repository}{n}", **columns
        )
        for n in range(count)
    ]


def take_all(book: Book, worker: int) -> list[int]:
    """Which jobs a worker gets until it gets none; it never ends one."""
    taken = []
    while (job := book.fetch(worker)) is not None:
        assert job.id
        taken.append(job.id)
    return taken


def test_a_repository_gets_its_share_and_others_the_rest(book: Book) -> None:
    worker = book.worker()
    ours, theirs, elsewhere = (add(book, one) for one in (OURS, THEIRS, ELSEWHERE))

    taken = take_all(book, worker)

    share = LIMITS["of_repository"]
    left_of_instance = LIMITS["of_instance"] - share
    assert taken == [*ours[:share], *theirs[:left_of_instance], *elsewhere[:share]]


def test_the_share_of_a_repository_is_free_again_with_each_job_that_ends(book: Book) -> None:
    worker = book.worker()
    add(book, OURS)
    jobs = [book.fetched(worker) for _ in range(LIMITS["of_repository"])]
    assert book.fetch(worker) is None

    book.finish(jobs[0])

    assert book.fetch(worker) is not None


def test_each_worker_has_shares_of_its_own(book: Book) -> None:
    add(book, OURS)

    taken = [take_all(book, book.worker()) for _ in range(2)]

    assert [len(one) for one in taken] == [LIMITS["of_repository"]] * 2


def test_looks_at_a_repository_are_part_of_its_share(book: Book) -> None:
    worker = book.worker()
    for number in range(10):
        book.add("branches:reconcile", args={"repository_id": OURS, "branch": f"b{number}"})
    add(book, OURS)
    [theirs] = add(book, THEIRS, count=1)

    taken = take_all(book, worker)

    assert len(taken) == LIMITS["of_repository"] + 1
    assert taken[-1] == theirs


def test_what_failed_before_gets_less(book: Book) -> None:
    worker = book.worker()
    for repository in (OURS, THEIRS, ELSEWHERE):
        add(book, repository, attempts=1)

    taken = take_all(book, worker)

    assert len(taken) == 3 * LIMITS["of_repository_again"]
    assert len(taken) <= LIMITS["again"]


def test_what_concerns_nobody_alone_is_never_kept_waiting(book: Book) -> None:
    worker = book.worker()
    for repository in (OURS, THEIRS, ELSEWHERE):
        add(book, repository)
    take_all(book, worker)
    reaper = book.add("runs:reap", args={"timestamp": 1}, lock="reap")

    assert take_all(book, worker) == [reaper]


def test_what_is_put_off_holds_up_nothing_else_of_its_lock(book: Book) -> None:
    worker = book.worker()
    seal = book.add(SEAL, args={"database_id": 10}, lock="database:10")
    book.do(book.ledger.retry_job(book.fetched(worker)))
    book.state.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'")

    restore = book.add("databases:restore", args={"database_id": 10}, lock="database:10")

    assert take_all(book, worker) == [restore]
    assert book.jobs()[seal] == "todo"


def test_jobs_of_one_lock_run_one_at_a_time_in_order(book: Book) -> None:
    worker, other = book.worker(), book.worker()
    first, second = (book.add("databases:ensure", lock="database:10") for _ in range(2))

    job = book.fetched(worker)
    assert (job.id, book.fetch(other)) == (first, None)
    book.finish(job)

    assert book.fetched(other).id == second


def test_other_queues_keep_the_order_of_a_lock_also_while_one_is_put_off(book: Book) -> None:
    worker = book.worker()
    book.add("commands:run", queue=GITHUB, lock="command:1:1")
    book.state.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'")
    book.add("commands:run", queue=GITHUB, lock="command:1:1")

    assert book.fetch(worker, GITHUB) is None
