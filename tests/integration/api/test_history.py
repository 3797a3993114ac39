"""Runs that were, over the API: what they did, how long it took, and what they wrote."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from tests.integration.api.office import TRACE, Office
from tests.integration.runs.shop import Job, Shop

LOG = "ALTER TABLE <b>done</b>"


@pytest.fixture(scope="module")
def job(office: Office) -> Job:
    """A migration of the branch `feature/runs` succeeded, the one of preview failed."""
    app_id = office.new_app()
    office.world.settle()
    shop = Shop(office.world, app_id=app_id)
    shop.push("feature/runs")
    job = shop.job("feature/runs").begun(app=app_id)
    job.given("branch")
    job.report("branch", log=LOG)
    job.migrate("preview", "failure")
    return job


def ask(office: Office, job: Job, path: str, role: str = "read") -> tuple[int, dict[str, Any]]:
    answer = office.ask("GET", f"/api/v1/apps/{job.shop.app_id}/runs{path}", office.people[role])
    return answer.status_code, answer.json()


def test_a_run_tells_how_each_database_fared(office: Office, job: Job) -> None:
    _, answer = ask(office, job, "")

    [run] = [each for each in answer["items"] if each["id"] == job.id]
    assert (run["id"], run["branch"], run["command"]) == (job.id, "feature/runs", "migrate")
    assert [(one["environment"], one["result"]) for one in run["migrations"]] == [
        ("branch", "success"),
        ("preview", "failure"),
    ]
    assert {one["duration_seconds"] for one in run["migrations"]} == {1.5}
    assert run["migrations"][0]["database"].startswith(job.shop.app_id)
    assert f"/actions/runs/{run['job_url'].split('/')[7]}" in run["job_url"]
    assert ask(office, job, f"/{job.id}")[1] == run


@pytest.mark.parametrize(
    ("role", "status"), [("none", 404), ("read", 403), ("triage", 403), ("write", 200)]
)
def test_a_log_is_for_those_who_may_write(office: Office, job: Job, role: str, status: int) -> None:
    migration = ask(office, job, f"/{job.id}")[1]["migrations"][0]["id"]

    found, answer = ask(office, job, f"/{job.id}/migrations/{migration}/log", role)

    assert found == status
    if status == 200:
        assert answer["log"] == LOG


def test_a_log_is_whole_and_plain(office: Office, job: Job) -> None:
    long = "".join(f"\x1b[32mstep {number:06}\x1b[0m\n" for number in range(10_000))
    again = job.shop.job("feature/runs").begun(app=job.shop.app_id)
    again.given("branch")
    again.report("branch", log=long)
    migration = ask(office, job, f"/{again.id}")[1]["migrations"][0]["id"]

    _, answer = ask(office, job, f"/{again.id}/migrations/{migration}/log", "write")

    assert answer["log"] == "".join(f"step {number:06}\n" for number in range(10_000))
    assert answer["seed_log"] == ""


@pytest.mark.parametrize(
    ("role", "status"), [("none", 404), ("read", 403), ("triage", 403), ("write", 200)]
)
def test_a_trace_is_for_those_who_may_read_the_log_and_its_numbers_for_all(
    office: Office, role: str, status: int
) -> None:
    app_id = office.new_app()
    path = f"/api/v1/apps/{app_id}/runs/{office.past_run(app_id, trace=TRACE)}"
    [migration] = office.ask("GET", path, office.people["read"]).json()["migrations"]

    answer = office.ask("GET", f"{path}/migrations/{migration['id']}/trace", office.people[role])

    assert migration["trace"] == {
        "traced": True,
        "statements": 6,
        "rewrites": 1,
        "blocking_reads": 2,
        "blocking_writes": 1,
    }
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == json.loads(json.dumps(asdict(TRACE)))


def test_what_was_not_traced_is_not_found_with_advice(office: Office) -> None:
    app_id = office.new_app()
    path = f"/api/v1/apps/{app_id}/runs/{office.past_run(app_id)}"
    [migration] = office.ask("GET", path, office.people["read"]).json()["migrations"]

    answer = office.ask("GET", f"{path}/migrations/{migration['id']}/trace", office.people["write"])

    assert migration["trace"]["traced"] is False
    assert answer.status_code == 404
    assert "was not traced" in answer.json()["message"]
    assert "`trace`" in answer.json()["advice"]


@pytest.mark.parametrize("path", ["/999999", "/999999/migrations/1/log"])
def test_a_run_of_another_app_is_not_found(office: Office, job: Job, path: str) -> None:
    other = office.new_app()

    answers = [
        ask(office, job, path, "admin")[0],
        office.ask(
            "GET", f"/api/v1/apps/{other}/runs/{job.id}", office.people["admin"]
        ).status_code,
    ]

    assert answers == [404, 404]


def test_a_run_is_started_again_by_those_who_may_change_what_it_reaches(
    office: Office, job: Job
) -> None:
    path = f"/api/v1/apps/{job.shop.app_id}/runs/{job.id}/rerun"
    refused = office.ask("POST", path, office.people["triage"], {})
    still_running = office.ask("POST", path, office.people["write"], {})
    office.world.github.complete_run(job.run)

    accepted = office.ask("POST", path, office.people["write"], {})

    assert (refused.status_code, still_running.status_code) == (403, 409)
    assert (accepted.status_code, accepted.json()["id"]) == (202, job.id)
    assert job.run.attempt == 2
