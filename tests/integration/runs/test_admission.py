"""Who gets a database: a sample of the authorisation table, over HTTP with real tokens."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from demo.github.control.actions import RunOptions
from demo.github.faults import server_error
from tests.integration.runs.shop import Job, Shop, refusal


def begin(shop: Shop, branch: str | None = None, **claims: Any) -> tuple[int, str]:
    answer = shop.job(branch, **claims).begin()
    assert answer.json is not None
    return answer.status_code, answer.json.get("error") or answer.json["result"]


def test_a_token_of_another_key_is_refused(shared_shop: Shop) -> None:
    job = shared_shop.job()
    good = shared_shop.github.token_for(job.run, audience=shared_shop.services.public_url)
    claims = jwt.decode(good, options={"verify_signature": False})
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(claims, key, "RS256", headers=jwt.get_unverified_header(good))

    assert refusal(job.begin(token=forged)) == (401, "invalid_token")


def test_no_token_at_all_is_refused(shared_shop: Shop) -> None:
    assert refusal(shared_shop.client.post("/api/v1/runs", json={"step": "12345678"})) == (
        401,
        "unauthorized",
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"audience": "https://github.com/acme"},
        {"exp": int(time.time()) - 60},
        {"iss": "https://token.actions.githubusercontent.com/evil"},
        {"repository_id": "042"},
        {"sub": None},
    ],
    ids=["audience", "expired", "issuer", "malformed id", "no subject"],
)
def test_a_token_that_is_not_meant_for_us_is_refused(
    shared_shop: Shop, claims: dict[str, Any]
) -> None:
    status, code = begin(shared_shop, **claims)

    assert (status, code) in {(401, "invalid_token"), (401, "wrong_audience")}


def test_the_default_branch_reaches_preview_and_production(shared_shop: Shop) -> None:
    answer = shared_shop.job().begin()

    assert answer.json is not None
    assert [one["environment"] for one in answer.json["databases"]] == ["preview", "production"]


@pytest.mark.usefixtures("production_and_preview")
def test_an_unknown_repository_and_an_uninstalled_one_get_the_same_answer(shop: Shop) -> None:
    stranger = shop.github.create_repository("stranger/things")
    unknown = Job(shop, shop.github.start_run(stranger), {}).begin()
    job = shop.job()
    shop.github.uninstall(shop.world.installation)
    shop.world.settle()

    removed = job.begin()

    assert refusal(unknown) == refusal(removed) == (403, "not_installed")


def test_a_name_that_was_taken_over_gets_nothing(shared_shop: Shop) -> None:
    assert begin(shared_shop, repository_id="999999") == (403, "not_installed")


def test_another_owner_gets_nothing(shared_shop: Shop) -> None:
    assert begin(shared_shop, repository_owner_id="999999") == (403, "owner_changed")


@pytest.mark.parametrize(
    "event", ["pull_request_target", "workflow_run", "issue_comment", "deployment"]
)
def test_other_events_are_skipped_though_they_carry_the_default_branch(
    shared_shop: Shop, event: str
) -> None:
    answer = shared_shop.job(event=event).begin()

    assert answer.json is not None
    assert (answer.status_code, answer.json["result"], answer.json["reason"]) == (
        200,
        "skipped",
        "event",
    )


def test_a_tag_is_skipped(shared_shop: Shop) -> None:
    answer = shared_shop.job(options=RunOptions(tag="v1")).begin()

    assert answer.json is not None
    assert (answer.json["result"], answer.json["reason"]) == ("skipped", "tag")


def test_a_fork_is_skipped_whatever_its_branch_is_called(shared_shop: Shop) -> None:
    shared_shop.push("feature/forked")
    fork = shared_shop.github.fork(shared_shop.repository, owner=shared_shop.github.user("mallory"))
    shared_shop.github.push(fork, "feature/forked")
    pull_request = shared_shop.github.open_pull_request(
        shared_shop.repository, "feature/forked", head_repository=fork
    )

    answer = shared_shop.job(event="pull_request", pull_request=pull_request).begin()

    assert answer.json is not None
    assert (answer.json["result"], answer.json["reason"]) == ("skipped", "fork")


def test_a_pull_request_of_the_same_repository_reaches_its_head_branch(shared_shop: Shop) -> None:
    shared_shop.push("feature/own")
    pull_request = shared_shop.github.open_pull_request(shared_shop.repository, "feature/own")

    answer = shared_shop.job(event="pull_request", pull_request=pull_request).begin()

    assert answer.json is not None
    assert [one["environment"] for one in answer.json["databases"]] == ["branch", "preview"]


def test_a_pull_request_gives_way_to_the_push_of_the_same_head(shared_shop: Shop) -> None:
    shared_shop.push("feature/both")
    pull_request = shared_shop.github.open_pull_request(shared_shop.repository, "feature/both")
    shared_shop.job("feature/both")

    answer = shared_shop.job(event="pull_request", pull_request=pull_request).begin()

    assert answer.json is not None
    assert (answer.json["result"], answer.json["reason"]) == ("skipped", "migrated_by_push")


def test_a_merge_group_reaches_preview_alone(shared_shop: Shop) -> None:
    queue = "gh-readonly-queue/main/pr-5-abc"
    shared_shop.github.create_branch(shared_shop.repository, queue)

    answer = shared_shop.job(queue, event="merge_group").begin()

    assert answer.json is not None
    assert [one["environment"] for one in answer.json["databases"]] == ["preview"]
    assert answer.json["primary"] == "preview"


def test_a_branch_job_cannot_name_production(shared_shop: Shop) -> None:
    shared_shop.push("no-production")
    job = shared_shop.job("no-production").begun()

    assert refusal(job.ask("production")) == (403, "not_reached")


def test_a_github_environment_alone_gives_no_production(shared_shop: Shop) -> None:
    shared_shop.push("environment")
    job = shared_shop.job("environment", options=RunOptions(environment="production"))

    answer = job.begin(environments=["production"])

    assert answer.json is not None
    assert (answer.json["result"], answer.json["reason"]) == ("skipped", "not_requested")


@pytest.mark.usefixtures("production_and_preview")
def test_production_waits_for_the_required_github_environment(shop: Shop) -> None:
    shop.set_policies(production_environment="live")
    without = shop.job().begun()
    without.migrate("preview")
    with_it = shop.job(options=RunOptions(environment="Live")).begun()
    with_it.migrate("preview")

    assert refusal(without.ask("production")) == (403, "environment_missing")
    assert with_it.ask("production").status_code == 200


def test_a_token_is_useless_once_its_run_is_over(shared_shop: Shop) -> None:
    job = shared_shop.job().begun()
    stolen = shared_shop.github.token_for(job.run, audience=shared_shop.services.public_url)
    shared_shop.github.complete_run(job.run)

    assert refusal(job.ask("preview", token=stolen)) == (403, "run_completed")
    assert refusal(job.begin(token=stolen)) == (403, "run_completed")


def test_a_token_that_names_another_branch_than_its_run_is_refused(shared_shop: Shop) -> None:
    shared_shop.push("another-branch")
    sha = shared_shop.repository.git.head("another-branch")
    job = shared_shop.job("another-branch")
    lying = shared_shop.job("another-branch", ref="refs/heads/main", ref_type="branch", sha=sha)

    assert refusal(lying.begin()) == (403, "other_branch")
    token = shared_shop.github.token_for(job.run, **job.claims, ref="refs/heads/main")
    assert refusal(job.begun().ask("preview", token=token)) == (403, "other_branch")


def test_a_job_of_another_run_cannot_use_this_one(shared_shop: Shop) -> None:
    shared_shop.push("another-run")
    job, other = shared_shop.job("another-run").begun(), shared_shop.job("another-run")
    other.id = job.id

    assert refusal(other.ask("branch")) == (403, "not_your_run")
    assert refusal(other.report("branch")) == (403, "not_your_run")


def test_a_run_that_does_not_exist_gets_the_same_answer(shared_shop: Shop) -> None:
    job = shared_shop.job()
    job.id = 4711

    assert refusal(job.ask("preview")) == (403, "not_your_run")


@pytest.mark.usefixtures("production_and_preview")
def test_production_follows_the_live_default_branch(shop: Shop) -> None:
    shop.push("trunk")
    job = shop.job()
    shop.github.change_default_branch(shop.repository, "trunk")

    answer = job.begin()

    assert answer.json is not None
    assert "production" not in [one["environment"] for one in answer.json["databases"]]


@pytest.mark.usefixtures("production_and_preview")
def test_production_is_refused_while_github_is_away(shop: Shop) -> None:
    job = shop.job().begun()
    job.migrate("preview")
    shop.github.faults.plan(server_error(), times=20)

    answer = job.ask("production")

    assert refusal(answer) == (503, "github_unavailable")
    assert answer.json is not None
    assert answer.json["retry_after"] > 0


@pytest.mark.usefixtures("production_and_preview")
def test_another_job_of_the_workflow_run_gets_no_say(shop: Shop) -> None:
    job = shop.job().begun()
    job.migrate("preview")
    job.given("production")
    sibling = job.sibling()

    answers = [
        sibling.ask("production"),
        sibling.renew("production"),
        sibling.report("production"),
        sibling.begin(migrate=False),
    ]

    assert [refusal(answer) for answer in answers] == [(403, "not_your_run")] * 4
    assert job.renew("production").status_code == 200


@pytest.mark.usefixtures("production_and_preview")
def test_a_step_finds_its_run_for_its_own_app_only(shop: Shop) -> None:
    job = shop.job().begun(app=shop.app_id)
    shop.world.assign("other" + shop.app_id)

    answer = job.begin(app="other" + shop.app_id)

    assert refusal(answer) == (403, "not_your_run")
