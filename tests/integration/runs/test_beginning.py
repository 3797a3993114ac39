"""What a run may ask for: an app, a command, and nothing that GitHub decides."""

import secrets
from dataclasses import replace
from typing import Any

import pytest

from app.core.assignments import App, Assignment, Policies
from app.core.identifiers import AppId, RepositoryId, RunId
from app.core.runs import most_runs
from tests.integration.runs.shop import Shop, refusal


@pytest.mark.parametrize(
    "extra",
    [{"branch": "main"}, {"database": "other"}, {"environments": ["dev"]}, {"timeout_minutes": 0}],
)
def test_a_request_can_name_no_branch_and_no_database(
    shared_shop: Shop, extra: dict[str, Any]
) -> None:
    assert refusal(shared_shop.job().begin(**extra)) == (400, "invalid")


@pytest.mark.usefixtures("production_and_preview")
def test_beside_a_second_app_a_workflow_that_names_none_goes_on(shop: Shop) -> None:
    add_app(shop, "second")

    unsaid, wrong, right = (
        shop.job().begin(),
        shop.job().begin(app="third"),
        shop.job().begin(app="second"),
    )

    assert unsaid.json is not None
    assert unsaid.json["app"] == shop.app_id
    assert refusal(wrong) == (403, "unknown_app")
    assert right.json is not None
    assert right.json["app"] == "second"


@pytest.mark.usefixtures("production_and_preview")
def test_no_other_app_is_taken_for_the_first_one_when_that_is_removed(shop: Shop) -> None:
    add_app(shop, "second")
    shop.services.store.apps.remove(shop.app_id)

    answer = shop.job().begin()

    assert refusal(answer) == (400, "app_needed")
    assert answer.json is not None
    assert '`app: "second"`' in answer.json["advice"]


def test_a_stranger_learns_no_app_ids(shop: Shop) -> None:
    add_app(shop, "second")

    answer = shop.job(repository_owner_id="999999").begin()

    assert "second" not in str(answer.json)


@pytest.mark.usefixtures("production_and_preview")
def test_a_run_needs_a_command_from_somewhere(shop: Shop) -> None:
    shop.services.store.apps.edit(
        Assignment(
            app=shop.assignment().app,
            instance_id=shop.assignment().instance_id,
            migration_command="",
            policies=Policies(),
        )
    )

    assert refusal(shop.job().begin(migration_command=" ")) == (400, "no_command")
    assert shop.job().begin(migration_command="", migrate=False).status_code == 200


def test_the_assignments_command_is_used_when_the_workflow_has_none(shared_shop: Shop) -> None:
    answer = shared_shop.job().begin(migration_command="")

    assert answer.json is not None
    assert (answer.json["command"], answer.json["command_source"]) == ("migrate", "assignment")


def add_app(shop: Shop, app_id: str) -> None:
    first = shop.assignment()
    app = App(
        id=AppId(app_id), repository_id=RepositoryId(shop.repository.id), has_bare_checks=False
    )
    shop.services.store.apps.add(app)
    shop.services.store.apps.assign(
        Assignment(
            app=app,
            instance_id=first.instance_id,
            migration_command="migrate",
            policies=Policies(),
        )
    )


def test_no_job_begins_runs_without_end(shared_shop: Shop) -> None:
    job = shared_shop.job().begun()
    run = shared_shop.services.store.runs.get(RunId(job.id))
    for number in range(most_runs(run) - 1):
        shared_shop.services.store.runs.start(run, key=f"{number:032}")

    repeated = job.begin()
    sibling = job.sibling()
    job.step = sibling.step = secrets.token_hex(16)

    assert repeated.status_code == 200
    assert refusal(job.begin()) == (409, "too_many_runs")
    assert sibling.begin().status_code == 200


def test_jobs_that_github_does_not_name_have_more_together(shared_shop: Shop) -> None:
    run = shared_shop.services.store.runs.get(RunId(shared_shop.job().begun().id))

    assert most_runs(replace(run, workflow_job_id=None)) > most_runs(run)
