"""A delivery counts once, and is stored with what it causes."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from tests.integration.intake.deliveries import Stored, encoded, headers

PATH = "/webhooks/github"
BRANCH = {"ref": "feature/login", "ref_type": "branch"}
HEAD = {"ref": "feature/login", "sha": "a" * 40, "repo": {"id": 42}}
PULL_REQUEST = {"number": 5, "state": "open", "head": HEAD}
CLOSED = {"number": 5, "state": "closed", "head": {**HEAD, "repo": None}}
SENDER = {"id": 3, "login": "ada", "type": "User"}
COMMENT = {
    "action": "created",
    "issue": {"number": 5, "pull_request": {}},
    "comment": {"id": 77, "body": "/db status", "user": {"id": 3, "type": "User"}},
    "sender": SENDER,
}
RUN = {"id": 9, "run_id": 9, "run_attempt": 1, "head_sha": "a" * 40, "event": "push"}
RENAMED = {"id": 42, "full_name": "acme/mall", "default_branch": "main", "owner": {"id": 7}}

EVENTS: dict[str, tuple[str, dict[str, Any], str, int]] = {
    "push": ("push", {}, "queued", 2),
    "push of the default branch": ("push", {"ref": "refs/heads/main"}, "queued", 2),
    "push of a tag": ("push", {"ref": "refs/tags/v1"}, "ignored", 1),
    "create": ("create", BRANCH, "queued", 2),
    "delete": ("delete", BRANCH, "nothing", 2),
    "pull request": (
        "pull_request",
        {"action": "opened", "pull_request": PULL_REQUEST},
        "queued",
        2,
    ),
    "fork's pull request closed": (
        "pull_request",
        {"action": "closed", "pull_request": CLOSED},
        "nothing",
        2,
    ),
    "merge group": (
        "merge_group",
        {"action": "checks_requested", "merge_group": {"head_sha": "a" * 40}},
        "queued",
        2,
    ),
    "comment": ("issue_comment", COMMENT, "queued", 2),
    "button": (
        "check_run",
        {"action": "rerequested", "check_run": {"external_id": "17"}, "sender": SENDER},
        "queued",
        2,
    ),
    "check suite": (
        "check_suite",
        {"action": "rerequested", "check_suite": {"head_sha": "a" * 40}, "sender": SENDER},
        "nothing",
        2,
    ),
    "workflow run": ("workflow_run", {"action": "completed", "workflow_run": RUN}, "nothing", 2),
    "workflow job": ("workflow_job", {"action": "completed", "workflow_job": RUN}, "nothing", 2),
    "repository": ("repository", {"action": "renamed", "repository": RENAMED}, "queued", 2),
    "installation": ("installation", {"action": "created"}, "queued", 1),
    "nothing of ours": ("star", {}, "ignored", 1),
}


def test_a_delivery_is_stored_with_the_jobs_that_it_causes(
    client: FlaskClient, stored: Stored
) -> None:
    body = encoded()

    answer = client.post(PATH, data=body, headers=headers(body, guid="one"))

    assert answer.status_code == 202
    assert answer.json == {"delivery": "one", "outcome": "queued"}
    assert stored.outcomes() == {"one": "queued"}
    assert stored.jobs() == ["branches:reconcile"]


def test_a_delivery_sent_twice_counts_once(client: FlaskClient, stored: Stored) -> None:
    body = encoded()
    client.post(PATH, data=body, headers=headers(body, guid="one"))

    answer = client.post(PATH, data=body, headers=headers(body, guid="one"))

    assert answer.status_code == 202
    assert answer.json == {"delivery": "one", "outcome": "duplicate"}
    assert stored.jobs() == ["branches:reconcile"]


def test_deliveries_that_ask_for_the_same_cause_one_job_while_it_waits(
    client: FlaskClient, stored: Stored
) -> None:
    body = encoded()

    for _ in range(5):
        client.post(PATH, data=body, headers=headers(body))

    assert len(stored.outcomes()) == 5
    assert stored.jobs() == ["branches:reconcile"]


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ("ping", "ignored"),
        ("star", "ignored"),
        ("an_event_of_2031", "ignored"),
        ("pull_request", "ignored"),
        ("push", "queued"),
    ],
)
def test_events_that_are_not_handled_are_taken_in_and_counted(
    event: str, outcome: str, client: FlaskClient
) -> None:
    body = encoded(action="something new") if event != "push" else encoded()
    before = counted(client, outcome)

    answer = client.post(PATH, data=body, headers=headers(body, event=event))

    assert answer.status_code == 202
    assert counted(client, outcome) == before + 1


def test_events_of_repositories_that_have_no_app_cause_nothing(
    client: FlaskClient, stored: Stored
) -> None:
    body = encoded(
        repository={
            "id": 43,
            "full_name": "acme/other",
            "default_branch": "main",
            "owner": {"id": 7},
        }
    )

    answer = client.post(PATH, data=body, headers=headers(body))

    assert answer.json
    assert answer.json["outcome"] == "nothing"
    assert stored.jobs() == []


@pytest.mark.parametrize("name", EVENTS)
def test_a_delivery_takes_two_statements_at_most_and_so_does_the_same_again(
    name: str, client: FlaskClient, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, outcome, most = EVENTS[name]

    first, statements = counting(monkeypatch, lambda: send(client, name, guid="one"))
    jobs = stored.jobs()
    again, statements_again = counting(monkeypatch, lambda: send(client, name, guid="one"))

    assert (first, again) == (outcome, "duplicate")
    assert stored.outcomes() == {"one": outcome}
    assert bool(jobs) == (outcome == "queued")
    assert stored.jobs() == jobs
    assert (statements, statements_again) == (most, most)


def test_a_pull_request_is_known_to_later_deliveries(client: FlaskClient, stored: Stored) -> None:
    send(client, "pull request")
    seen = []

    for name in ("push", "workflow run", "workflow job"):
        stored.forget_jobs()
        send(client, name)
        seen.append(stored.jobs())

    assert seen == [["branches:reconcile", "pull_requests:answer"], ["commits:answer"], []]


def test_a_command_is_obeyed_once_although_another_delivery_brings_it_again(
    client: FlaskClient, stored: Stored
) -> None:
    outcomes = [send(client, "comment") for _ in range(2)]

    assert outcomes == ["queued", "nothing"]
    assert stored.jobs() == ["commands:run"]


THE_SAME = "INSERT INTO deliveries (guid, event, outcome) VALUES ('one', 'push', 'nothing')"
ITS_COMMAND = (
    "INSERT INTO commands (comment_id, repository_id, number, verb, sender_id, sender_login,"
    " pinned) VALUES (77, 42, 5, 'status', 3, 'ada', '{}')"
)
BEGUN = "UPDATE procrastinate_jobs SET status = 'doing'"
PUT_OFF = "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'"


@pytest.mark.parametrize(
    ("name", "meanwhile", "wanted"),
    [
        ("push", f"{THE_SAME}; COMMIT", ("duplicate", 0)),
        ("push", f"{THE_SAME}; ROLLBACK", ("queued", 0)),
        ("comment", f"{ITS_COMMAND}; COMMIT", ("duplicate", 0)),
        ("comment", f"{ITS_COMMAND}; ROLLBACK", ("queued", 1)),
        ("push", f"{BEGUN}; COMMIT", ("queued", 1)),
        ("push", f"{BEGUN}; ROLLBACK", ("queued", 0)),
        ("push", f"{PUT_OFF}; COMMIT", ("queued", 0)),
    ],
)
def test_what_others_do_at_the_same_moment_is_waited_for(
    name: str, meanwhile: str, wanted: tuple[str, int], client: FlaskClient, stored: Stored
) -> None:
    """The same delivery, the same command, or a worker that begins the job that waits.

    Wanted are the outcome and the number of jobs that are new.
    """
    act, _, end = meanwhile.rpartition("; ")
    send(client, "push")
    before = len(stored.jobs())

    with stored.connect() as other, ThreadPoolExecutor(1) as thread:
        other.execute(act.encode())
        answer = thread.submit(send, client, name, guid="one")
        wait_until(stored.is_waited_for)
        other.execute(end.encode())

    assert (answer.result(), len(stored.jobs()) - before) == wanted
    assert not stored.put_off()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_is_taken(method: str, client: FlaskClient) -> None:
    assert client.open(PATH, method=method).status_code == 405


def counted(client: FlaskClient, outcome: str) -> float:
    """The counter of /metrics."""
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(f'coppice_deliveries_total{{outcome="{outcome}"}}'):
            return float(line.split()[-1])
    return 0.0


def send(client: FlaskClient, name: str, *, guid: str | None = None) -> str:
    """Deliver an event; its outcome."""
    event, changes, _, _ = EVENTS[name]
    body = encoded(**changes)
    answer = client.post(PATH, data=body, headers=headers(body, event=event, guid=guid))
    assert answer.json
    return str(answer.json["outcome"])


def counting(monkeypatch: pytest.MonkeyPatch, act: Callable[[], str]) -> tuple[str, int]:
    """What comes of it, and the number of statements that it takes, BEGIN and COMMIT too."""
    ran: list[Any] = []
    execute = psycopg.Connection.execute

    def counted(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        # Not the pool's own thread, nor its question whether a connection works.
        if query and threading.current_thread() is threading.main_thread():
            ran.extend([query] if connection.autocommit else ["BEGIN", query, "COMMIT"])
        return execute(connection, query, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Connection, "execute", counted)
        return act(), len(ran)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
