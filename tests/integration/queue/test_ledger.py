"""What becomes of jobs whose worker died, slept, or could not write down how they ended."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from procrastinate.jobs import Status
from structlog.testing import capture_logs

from app.core.queues import COMMENTS, DATABASES, GITHUB
from app.jobs import periodic
from app.jobs.retry import MAX_ATTEMPTS
from tests.integration.queue.book import Book

EVERYTHING = "everything:reconcile"
QUEUES = (DATABASES, GITHUB, COMMENTS)


def test_a_dead_workers_job_is_dropped_when_one_that_does_the_same_waits(book: Book) -> None:
    dead, alive = book.worker(), book.worker()
    first = book.add(EVERYTHING, lock="everything", queueing_lock=EVERYTHING)
    other = book.add("jobs:forget", lock="forget", queueing_lock="jobs:forget")
    assert [book.fetched(dead).id, book.fetched(dead).id] == [first, other]
    waiting = book.add(EVERYTHING, lock="everything", queueing_lock=EVERYTHING)
    book.silence(dead)

    book.take_over()

    assert book.jobs() == {other: "todo", waiting: "todo"}
    assert {book.fetched(alive).id for _ in range(2)} == {other, waiting}


def test_a_job_whose_worker_was_crossed_out_is_taken_over(book: Book) -> None:
    dead = book.worker()
    job = book.add(EVERYTHING)
    book.fetched(dead)
    book.cross_out(dead)

    book.take_over()

    assert book.jobs() == {job: "todo"}


def test_a_living_workers_job_stays_its_own(book: Book) -> None:
    worker = book.worker()
    job = book.add(EVERYTHING)
    book.fetched(worker)

    book.take_over()

    assert book.jobs() == {job: "doing"}


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED])
def test_who_slept_ends_nothing_that_others_do_by_now(book: Book, status: Status) -> None:
    sleeper, other = book.worker(), book.worker()
    number = book.add(EVERYTHING)
    job = book.fetched(sleeper)
    book.silence(sleeper)
    book.take_over()
    again = book.fetched(other)

    book.finish(job, status)
    book.do(book.ledger.retry_job(job))

    assert book.jobs() == {number: "doing"}
    book.finish(again)
    assert book.jobs() == {}


@pytest.mark.parametrize("queue", QUEUES)
def test_who_slept_and_was_crossed_out_works_on(book: Book, queue: str) -> None:
    sleeper = book.worker()
    book.cross_out(sleeper)
    job = book.add("outbox:post", queue=queue)

    assert book.fetch(sleeper, queue) is None

    assert book.fetched(sleeper, queue).id == job


def test_a_job_that_failed_is_dropped_when_one_that_does_the_same_waits(book: Book) -> None:
    worker = book.worker()
    book.add(EVERYTHING, lock="everything", queueing_lock=EVERYTHING)
    job = book.fetched(worker)
    waiting = book.add(EVERYTHING, lock="everything", queueing_lock=EVERYTHING)

    book.do(book.ledger.retry_job(job))

    assert book.jobs() == {waiting: "todo"}
    assert book.fetched(worker).id == waiting


def test_a_job_that_is_unknown_here_waits_for_a_worker_that_knows_it(book: Book) -> None:
    worker = book.worker()
    number = book.add("tomorrow:begin")
    job = book.fetched(worker)

    book.finish(job, Status.FAILED)

    assert book.jobs() == {number: "todo"}


def test_a_job_that_nobody_knows_is_given_up(book: Book) -> None:
    worker = book.worker()
    number = book.add("yesterday:end", attempts=MAX_ATTEMPTS)
    job = book.fetched(worker)

    book.finish(job, Status.FAILED)

    assert book.jobs() == {number: "failed"}


def test_how_a_job_ended_is_written_when_the_state_database_is_back(book: Book) -> None:
    worker = book.worker()
    book.add(EVERYTHING)
    job = book.fetched(worker)
    book.state.execute("ALTER TABLE procrastinate_jobs RENAME TO away")

    with ThreadPoolExecutor(1) as other:
        finished = other.submit(book.finish, job)
        book.state.execute("SELECT pg_sleep(0.5)")
        assert not finished.done()
        book.state.execute("ALTER TABLE away RENAME TO procrastinate_jobs")
        finished.result(30)

    assert book.jobs() == {}


def test_a_job_that_was_given_out_unheard_goes_to_the_next_who_asks(book: Book) -> None:
    worker = book.worker()
    number = book.add(EVERYTHING)
    held = book.add("jobs:forget", lock="forget")
    # What a cut connection leaves: the row says `doing`, and the worker heard of nothing.
    book.state.execute("ALTER TABLE procrastinate_jobs RENAME TO away")
    assert book.fetch(worker) is None
    book.state.execute("ALTER TABLE away RENAME TO procrastinate_jobs")
    book.state.execute(
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE id = %s",
        [worker, number],
    )

    assert book.fetched(worker).id == held
    book.take_over()

    assert book.jobs() == {number: "todo", held: "doing"}


def test_what_comes_by_the_clock_is_queued_when_the_state_database_is_back(book: Book) -> None:
    reap = periodic.reap.configure(task_kwargs={"timestamp": 20}).job
    book.state.execute("ALTER TABLE procrastinate_jobs RENAME TO away")

    with ThreadPoolExecutor(1) as other, capture_logs() as logs:
        queued = other.submit(book.do, book.ledger.defer_periodic_job(reap, "", 20))
        book.state.execute("SELECT pg_sleep(0.5)")
        book.state.execute("ALTER TABLE away RENAME TO procrastinate_jobs")
        number = queued.result(30)

    assert book.jobs() == {number: "todo"}
    assert [(one["event"], one.get("cause")) for one in logs] == [
        ("worker.failed_to", "UndefinedTable"),
        ("worker.works_again", None),
    ]
