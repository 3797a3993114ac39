"""A delivery counts once, and is stored with what it causes."""

import pytest
from flask.testing import FlaskClient

from tests.integration.intake.deliveries import Stored, encoded, headers

PATH = "/webhooks/github"


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


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_is_taken(method: str, client: FlaskClient) -> None:
    assert client.open(PATH, method=method).status_code == 405


def counted(client: FlaskClient, outcome: str) -> float:
    """The counter of /metrics."""
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(f'coppice_deliveries_total{{outcome="{outcome}"}}'):
            return float(line.split()[-1])
    return 0.0
