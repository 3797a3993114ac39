"""What failed on servers that are away does not keep others that failed once from their turn."""

from tests.integration.queue.book import Book
from tests.integration.queue.test_shares import (
    ELSEWHERE,
    LIMITS,
    OURS,
    THEIRS,
    add,
    book,
    take_all,
)

__all__ = ["book"]


def test_a_healthy_servers_second_attempt_gets_its_turn(book: Book) -> None:
    """Two servers with four repositories are away; a job of a third failed once and is due."""
    book.state.execute(
        "INSERT INTO instances (name, kind, admin_host, admin_port, admin_sslmode, admin_user,"
        " admin_password, public_host, public_port, public_sslmode)"
        " VALUES ('healthy', 'linked', 'h', 1, 'disable', 'u', '', 'h', 1, 'disable')"
    )
    for repository, instance in ((4, 2), (5, 3)):
        book.state.execute(
            "WITH repository AS (INSERT INTO repositories (id, owner_id, full_name, default_branch,"
            "   is_private, installation_state) VALUES (%(r)s, 1, 'o/r' || %(r)s, 'main', true,"
            "   'active')),"
            " app AS (INSERT INTO apps (id, repository_id, has_bare_checks)"
            "   VALUES ('app' || %(r)s, %(r)s, true)),"
            " assignment AS (INSERT INTO assignments"
            "   (app_id, instance_id, migration_command, policies)"
            "   VALUES ('app' || %(r)s, %(i)s, '', '{}'))"
            " INSERT INTO databases (id, app_id, instance_id, environment, branch, name,"
            "   owner_role, login_role, marker, state) OVERRIDING SYSTEM VALUE"
            " SELECT n, 'app' || %(r)s, %(i)s, 'branch', n, n, n, n, n, 'deleted'"
            " FROM generate_series(%(r)s * 10, %(r)s * 10 + 9) AS n",
            {"r": repository, "i": instance},
        )
    for away in (OURS, THEIRS, ELSEWHERE, 4):
        add(book, away, attempts=5)
    [healthy] = add(book, 5, count=1, attempts=1)
    worker = book.worker()
    book.state.execute("UPDATE procrastinate_jobs SET scheduled_at = now() - interval '1 hour'")
    for _ in range(30):
        if healthy in take_all(book, worker):
            return
        # All fail, and are due again by the time that others have had their turn.
        book.state.execute(
            "UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1,"
            " scheduled_at = now(), worker_id = NULL WHERE status = 'doing'"
        )
    raise AssertionError("never")


def test_a_due_retry_without_a_share_holds_up_no_fresh_job_of_its_lock(book: Book) -> None:
    worker = book.worker()
    add(book, OURS, attempts=1)  # all of its second attempts are taken by one of these
    assert len(take_all(book, worker)) == LIMITS["of_repository_again"]
    restore = book.add("databases:restore", args={"database_id": 15}, lock="15")
    assert take_all(book, worker) == [restore]
