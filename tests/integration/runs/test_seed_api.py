"""Seeds and the shadow database, as the API for people shows and starts them."""

from typing import Any

import pytest

from tests.integration.runs.shop import Job, Shop, can_log_in, refusal

TOKEN = "the-operator's-token-of-this-test"
SEEDED: dict[str, Any] = {
    "result": "success",
    "exit_code": 0,
    "duration_seconds": 0.5,
    "log": "2 users",
}


class Operator:
    """Asks the API with the admin token."""

    def __init__(self, shop: Shop) -> None:
        shop.client.application.extensions["admin_token"] = TOKEN
        self._client = shop.client
        self._headers = {"Authorization": f"Bearer {TOKEN}"}

    def get(self, path: str) -> Any:
        answer = self._client.get(f"/api/v1{path}", headers=self._headers)
        assert answer.status_code == 200, answer.json
        return answer.json

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._client.post(f"/api/v1{path}", json=body, headers=self._headers)


@pytest.fixture
def operator(shop: Shop) -> Operator:
    return Operator(shop)


def seeded_run(shop: Shop) -> Job:
    job = shop.job("x").begun(seed_command="make seed")
    job.given("branch")
    assert job.report("branch", seed=SEEDED).status_code == 200
    return job


def test_past_runs_tell_how_seeding_ended(shop: Shop, operator: Operator) -> None:
    shop.push("x")
    job = seeded_run(shop)

    [listed] = operator.get(f"/apps/{shop.app_id}/runs")["items"]
    [migration] = operator.get(f"/apps/{shop.app_id}/runs/{job.id}")["migrations"]
    log = operator.get(f"/apps/{shop.app_id}/runs/{job.id}/migrations/{migration['id']}/log")

    assert listed["seed_command"] == "make seed"
    assert listed["migrations"] == [migration]
    assert migration["seed"] == {"result": "success", "exit_code": 0, "duration_seconds": 0.5}
    assert log == {"log": "done\n", "seed_log": "2 users"}


def test_a_seed_is_asked_for_over_the_api(shop: Shop, operator: Operator) -> None:
    shop.push("x")
    seeded_run(shop)
    database = shop.database("branch", "x")

    answer = operator.post(f"/databases/{database.id}/seed", {})

    assert answer.status_code == 200, answer.json
    again = shop.job("x").begun(seed_command="make seed").ask("branch").json
    assert again is not None
    assert again["seed"] is True


@pytest.mark.usefixtures("production_and_preview")
def test_production_is_not_seeded_over_the_api_either(shop: Shop, operator: Operator) -> None:
    production = shop.database("production")

    assert refusal(operator.post(f"/databases/{production.id}/seed", {})) == (400, "invalid")


def test_dev_and_its_shadow_are_made_and_opened_over_the_api(
    shop: Shop, operator: Operator
) -> None:
    operator.post(f"/apps/{shop.app_id}/databases", {})
    shop.world.settle()
    dev = shop.database("dev")

    answer = operator.post(f"/databases/{dev.id}/credentials", {})

    assert answer.status_code == 200, answer.json
    variables = answer.json["variables"]
    assert shop.database("dev-shadow").name in variables["SHADOW_DATABASE_URL"]
    assert can_log_in({"DATABASE_URL": variables["SHADOW_DATABASE_URL"]})


@pytest.mark.usefixtures("production_and_preview")
def test_dev_is_said_to_be_migrated_and_awaits_its_seed_no_more(
    shop: Shop, operator: Operator
) -> None:
    operator.post(f"/apps/{shop.app_id}/databases", {})
    shop.world.settle()
    dev = shop.database("dev")
    path = f"/databases/{dev.id}"
    assert operator.get(path)["awaits_seed"] is True

    told = {"generation": dev.generation, "seed": "success"}
    assert operator.post(f"{path}/migrated", told).status_code == 200

    shown = operator.get(path)
    assert (shown["awaits_seed"], shown["seeded_at"] is None) == (False, False)
    stale = operator.post(f"{path}/migrated", {**told, "generation": dev.generation + 1})
    assert refusal(stale) == (409, "conflict")
    preview = shop.database("preview")
    told = {"generation": preview.generation, "seed": "none"}
    refused = operator.post(f"/databases/{preview.id}/migrated", told)
    assert refusal(refused) == (400, "invalid")


@pytest.mark.parametrize("act", ["reset", "fix"])
def test_a_worker_does_to_the_shadow_what_it_does_to_dev(
    shop: Shop, operator: Operator, act: str
) -> None:
    operator.post(f"/apps/{shop.app_id}/databases", {})
    shop.world.settle()
    before = shop.database("dev-shadow")

    answer = operator.post(f"/databases/{shop.database('dev').id}/{act}", {})
    shop.world.settle()

    assert answer.status_code == 202, answer.json
    after = shop.database("dev-shadow")
    assert after.state == "ready"
    assert after.ready_at != before.ready_at
    assert after.generation == before.generation + (act == "reset")
