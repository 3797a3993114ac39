"""Which files the Action is told to look for a trace's statements in."""

from demo.github.faults import server_error
from tests.integration.runs.shop import Job, Shop, refusal


def changes(job: Job) -> object:
    answer = job.post(f"/{job.id}/changes", {})
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_branchs_own_files_are_told(shop: Shop) -> None:
    shop.github.push(shop.repository, "main", files={"db/0.sql": "SELECT 0"})
    shop.github.push(shop.repository, "x", files={"db/0.sql": "-- again", "db/1.sql": "SELECT 1"})
    job = shop.job("x").begun()

    assert changes(job) == {
        "files": ["db/0.sql", "db/1.sql"],
        "added": ["db/1.sql"],
    }


def test_on_the_default_branch_it_is_what_production_has_not_got(shop: Shop) -> None:
    shop.push("main")
    first = shop.job().begun(environments=["production"])
    before = changes(first)
    shop.set_policies(preview="off")
    shop.world.reconcile()
    first.migrate("production")
    shop.github.push(shop.repository, "main", files={"db/1.sql": "SELECT 1"})
    shop.github.push(shop.repository, "main", files={"db/2.sql": "SELECT 2"})

    second = shop.job().begun()

    files = ["db/1.sql", "db/2.sql"]
    assert before == {"files": [], "added": []}
    assert changes(second) == {"files": files, "added": files}


def test_another_job_is_told_nothing_and_an_outage_is_said(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    stranger = shop.job("x").begun()

    refused = stranger.post(f"/{job.id}/changes", {})
    shop.github.faults.plan(server_error(), path="/compare/", times=20)
    unavailable = job.post(f"/{job.id}/changes", {})

    assert refusal(refused) == (403, "not_your_run")
    assert unavailable.status_code == 503
