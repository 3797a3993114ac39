"""An app whose assignment has ended, as programs find it: what it left can be seen and dropped."""

import pytest

from app.core.environments import Environment
from app.core.identifiers import AppId, RunId
from tests.integration import states
from tests.integration.api.office import ROLES, Office


@pytest.fixture
def removed(office: Office) -> AppId:
    """It has a branch database, and a run that migrated it."""
    app_id = office.new_app()
    office.past_run(app_id, log="all is well\n")
    office.world.services.store.apps.remove(app_id)
    return app_id


@pytest.mark.parametrize("role", [*ROLES, "operator"])
def test_it_is_shown_to_who_may_see_it(office: Office, removed: AppId, role: str) -> None:
    paths = ("", "/runs", "/pull-requests")

    found = {
        path: office.ask("GET", f"/api/v1/apps/{removed}{path}", office.people[role])
        for path in paths
    }

    expected = 404 if role == "none" else 200
    assert {path: answer.status_code for path, answer in found.items()} == dict.fromkeys(
        paths, expected
    )
    if role != "none":
        app = found[""].json()
        assert (app["repository"], app["instance"], app["policies"]) == ("acme/shop", None, None)
        assert app["databases"] == 1
        assert len(found["/runs"].json()["items"]) == 1


def test_its_logs_are_for_those_who_may_write(office: Office, removed: AppId) -> None:
    [past] = office.world.services.store.history.of_app(removed, limit=1)
    [migration] = office.world.services.store.history.run(removed, RunId(past.run.id)).migrations
    path = f"/api/v1/apps/{removed}/runs/{past.run.id}"

    found = {
        role: [
            office.ask("GET", address, office.people[role]).status_code
            for address in (path, f"{path}/migrations/{migration.id}/log")
        ]
        for role in ("none", "read", "write")
    }

    assert found == {"none": [404, 404], "read": [200, 403], "write": [200, 200]}


def test_its_databases_are_listed_and_can_be_dropped(office: Office, removed: AppId) -> None:
    token = office.people["write"]
    path = f"/api/v1/databases?repository=acme/shop&app={removed}"
    hidden = office.ask("GET", path, office.people["none"]).json()["items"]

    [database] = office.ask("GET", path, token).json()["items"]
    dropped = office.ask("DELETE", f"/api/v1/databases/{database['id']}?now=true", token)

    assert hidden == []
    assert database["app"] == removed
    assert dropped.status_code == 202


def test_a_name_of_another_repository_finds_none_of_it(office: Office, removed: AppId) -> None:
    path = f"/api/v1/databases?repository=acme/else&app={removed}"

    assert office.ask("GET", path, office.people["operator"]).json()["items"] == []


def test_a_database_of_an_assigned_app_is_listed_as_before(office: Office) -> None:
    app_id = office.new_app()
    database = office.database(app_id, Environment.PREVIEW)
    states.make_ready(office.world.services, database)

    answer = office.ask("GET", f"/api/v1/databases?app={app_id}", office.people["read"])

    assert [one["name"] for one in answer.json()["items"]] == [database.name]
