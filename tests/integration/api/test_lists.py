"""Lists that grow come in parts, each entry once."""

from typing import Any

import pytest

from app.core.audit import AuditEvent
from app.core.environments import Environment
from app.core.identifiers import PullRequestNumber
from tests.integration.api.office import Office


def parts(office: Office, path: str, *, limit: int) -> list[list[dict[str, Any]]]:
    """The parts of a list, in the order in which a program reads them."""
    found, cursor = [], ""
    while True:
        answer = office.ask("GET", f"{path}limit={limit}{cursor}", office.people["operator"])
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        if answer.json()["next"] is None:
            return found
        cursor = f"&cursor={answer.json()['next']}"


def test_databases_come_in_parts(office: Office) -> None:
    app_id = office.new_app()
    made = [office.database(app_id, Environment.BRANCH, f"b{number}").name for number in range(5)]

    found = parts(office, f"/api/v1/databases?app={app_id}&", limit=2)

    assert [len(part) for part in found] == [2, 2, 1]
    assert [one["name"] for part in found for one in part] == made


def test_the_audit_trail_comes_in_parts_the_newest_first(office: Office) -> None:
    for number in range(4):
        office.world.services.record(AuditEvent.DATABASES_EDIT, f"subject {number}")

    found = parts(office, "/api/v1/audit?", limit=3)

    ids = [one["id"] for part in found for one in part]
    assert ids == sorted(set(ids), reverse=True)
    assert [one["subject"] for one in found[0]] == ["subject 3", "subject 2", "subject 1"]


def test_the_audit_trail_is_searched(office: Office) -> None:
    for subject in ("a-Needle-b", "hay", "another needle"):
        office.world.services.record(AuditEvent.DATABASES_EDIT, subject)

    found = parts(office, "/api/v1/audit?q=NEEDLE&", limit=1)

    subjects = [one["subject"] for part in found for one in part]
    assert subjects == ["another needle", "a-Needle-b"]


def test_pull_requests_come_with_the_databases_of_their_heads(office: Office) -> None:
    app_id, world = office.new_app(), office.world
    fork = world.github.fork(world.repository, owner=world.github.user("mona"))
    for branch in ("one", "two"):
        world.github.push(world.repository, branch)
    world.github.push(fork, "two")
    for branch, head in (("one", None), ("two", None), ("two", fork)):
        opened = world.github.open_pull_request(world.repository, branch, head_repository=head)
        number = PullRequestNumber(opened.number)
        pull = world.services.github.pull_request(world.known(), number)
        assert pull is not None
        world.services.store.repositories.save_pull_request(pull)
    database = office.database(app_id, Environment.BRANCH, "one")

    found = parts(office, f"/api/v1/apps/{app_id}/pull-requests?", limit=2)

    assert [len(part) for part in found] == [2, 1]
    one, two, foreign = [pull for part in found for pull in part]
    assert (one["database"], one["database_name"]) == (database.id, database.name)
    assert one["url"] == f"{world.github.url}/acme/shop/pull/{one['number']}"
    assert (two["branch"], two["from_fork"], two["database"]) == ("two", False, None)
    assert (foreign["branch"], foreign["from_fork"], foreign["database"]) == ("two", True, None)


def test_a_limit_has_a_limit(office: Office) -> None:
    answer = office.ask("GET", "/api/v1/audit?limit=101", office.people["operator"])

    assert answer.status_code == 400
    assert "limit" in answer.json()["message"]


@pytest.mark.parametrize("what", ["databases", "instances"])
def test_a_list_reads_what_apps_have_in_common_once(office: Office, what: str) -> None:
    pool = office.world.services.store.apps._pool

    def transactions() -> int:
        before = pool.get_stats()["requests_num"]
        assert office.ask("GET", f"/api/v1/{what}", office.people["admin"]).status_code == 200
        return pool.get_stats()["requests_num"] - before

    office.new_app()
    transactions()  # asks GitHub who the reader is
    of_few = transactions()
    for _ in range(5):
        office.new_app()

    assert transactions() == of_few
