"""Databases that hold more than their instance allows: said wherever people look."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

import pytest

from app.core.databases import Database
from app.core.environments import Environment
from app.core.findings import ServerReport
from app.core.identifiers import AppId
from app.core.instances import Instance
from app.core.limits import NO_LIMITS, Limits
from tests.integration import states
from tests.integration.api.office import Office

MB = 1024**2
HTML = {"Accept": "text/html"}
EXCESS = "It holds 24 MB, more than the 20 MB that are allowed."


@dataclass(frozen=True)
class Place:
    """An app with two databases on an instance whose limits one of them is past."""

    app_id: AppId
    instance: Instance
    large: Database
    small: Database


@pytest.fixture
def place(office: Office) -> Iterator[Place]:
    services = office.world.services
    app_id, instance = office.new_app(), services.store.instances.named("tenants")
    large = office.database(app_id, Environment.PRODUCTION)
    small = office.database(app_id, Environment.BRANCH, "small")
    for one in (large, small):
        states.make_ready(services, one)
    services.store.measurements.record(
        instance.id,
        at=services.clock(),
        report=ServerReport(version="18.0", findings=()),
        sizes={large.id: 24 * MB, small.id: 8 * MB},
        free_bytes=None,
    )
    services.store.limits.set(instance.id, Limits(database_bytes=20 * MB, total_bytes=30 * MB))
    yield Place(app_id, instance, large, small)
    services.store.limits.set(instance.id, NO_LIMITS)
    # Other tests share the instance, whose page names five open ones.
    states.delete(services, large)


def page(office: Office, path: str) -> str:
    answer = office.ask("GET", path, office.people["operator"], headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def row(text: str, database: Database) -> str:
    [found] = re.findall(rf'<tr[^>]* id="database-{database.id}">.*?</tr>', text, re.DOTALL)
    return str(found)


def test_its_row_says_so_and_it_is_still_ready(office: Office, place: Place) -> None:
    for path in (f"/apps/{place.app_id}", "/instances/tenants"):
        text = page(office, path)

        assert EXCESS in row(text, place.large)
        assert "</span>ready</span>" in row(text, place.large)
        assert "more than" not in row(text, place.small)


def test_its_instance_names_it_and_what_all_hold_together(office: Office, place: Place) -> None:
    text = page(office, "/instances/tenants")

    health = text.partition('aria-labelledby="health"')[2].partition("</section>")[0]
    assert re.search(rf"holds? more than 20 MB: [^<]*{place.large.name}", health)
    assert "of the 30 MB that are allowed: no other is made." in health
    assert "Nothing to complain about" not in health


def test_a_database_that_failed_is_told_from_its_server(office: Office, place: Place) -> None:
    services = office.world.services
    states.fail(services, place.small, reason="There is no room.")
    services.store.limits.set(place.instance.id, NO_LIMITS)
    try:
        one, listed = page(office, "/instances/tenants"), page(office, "/instances")
    finally:
        states.make_ready(services, place.small)

    head = one.partition('id="status"')[2].partition("</div>")[0]
    health = one.partition('aria-labelledby="health"')[2].partition("</section>")[0]
    for part in (head, health):
        [target] = re.findall(r'<a href="#(database-\d+)">\d+ databases? failed</a>', part)
        assert f'id="{target}"' in one
    assert "The server itself answers." in head
    assert "Nothing to complain about at the server" in health
    assert '<a href="/instances/tenants#database-' in listed


def test_the_api_says_so(office: Office, place: Place) -> None:
    operator = office.people["operator"]
    found = office.ask("GET", f"/api/v1/databases?app={place.app_id}", operator).json()["items"]
    instance = office.ask("GET", "/api/v1/instances/tenants", operator).json()

    assert {one["id"]: (one["state"], one["over_limit"]) for one in found} == {
        place.large.id: ("ready", EXCESS),
        place.small.id: ("ready", None),
    }
    assert "of the 30 MB that are allowed" in instance["over_limit"]


def test_a_limit_that_every_database_is_past_is_refused_with_the_reason(
    office: Office, place: Place
) -> None:
    form = {"database_bytes": "7 MB", "freezes": "yes"}
    operator = office.people["operator"]

    answer = office.ask("POST", "/instances/tenants/limits", operator, headers=HTML, data=form)
    told = office.ask(
        "PUT", "/api/v1/instances/tenants/limits", operator, {"database_bytes": 7 * MB}
    )

    assert answer.status_code == 400
    for text in (unescape(answer.text), told.json()["message"]):
        assert "one that holds nothing takes about 8 MB" in text
    assert office.world.services.store.limits.of(place.instance.id).database_bytes == 20 * MB


def test_who_sets_limits_is_told_that_freezing_closes(office: Office, place: Place) -> None:
    text = page(office, "/instances/tenants/limits")

    assert "or broken" not in text
    assert "This closes a database past that size, production too" in text


def test_who_edits_an_assignment_reads_what_its_instance_allows(
    office: Office, place: Place
) -> None:
    of_role = {
        role: office.ask(
            "GET", f"/apps/{place.app_id}/edit", office.people[role], headers=HTML
        ).text.partition('aria-labelledby="limits"')[2]
        for role in ("maintain", "operator")
    }

    for text in of_role.values():
        assert "20 MB each, 30 MB in all" in text
        assert "belong to the instance tenants and hold for all apps on it" in text
    link = 'href="/instances/tenants/limits"'
    assert {role: link in text for role, text in of_role.items()} == {
        "maintain": False,
        "operator": True,
    }
