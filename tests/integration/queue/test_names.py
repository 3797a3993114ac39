"""What one version queues, the next one runs: names and arguments of jobs are an interface."""

from app.store.jobs import defer
from tests.integration.queue.book import Book
from tests.integration.queued_jobs import QUEUED


def test_jobs_are_queued_as_the_version_before_did(book: Book) -> None:
    defer(book.state, [intent for intent, _, _ in QUEUED])

    rows = book.state.execute(
        "SELECT task_name, queue_name, lock, priority, args FROM procrastinate_jobs ORDER BY id"
    ).fetchall()
    assert [(tuple(row.values())[:4], row["args"]) for row in rows] == [
        (job, arguments) for _, job, arguments in QUEUED
    ]
