"""A server that does not answer: what its instance, its databases and the API say meanwhile."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.core.environments import Environment
from app.core.findings import Finding, ServerReport
from app.core.identifiers import AppId
from app.core.instances import Instance
from app.operations.databases import measuring
from tests.integration import states
from tests.integration.api.office import Office

HTML = {"Accept": "text/html"}
CAUSE = "The PostgreSQL server does not accept connections: nothing listens at its host and port."


def page(office: Office, path: str, role: str = "operator") -> str:
    answer = office.ask("GET", path, office.people[role], headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def badges(text: str) -> list[str]:
    """The signs and words of the states on a page."""
    parts = text.split('<span class="state ')[1:]
    return [part.partition("</span>")[2].partition("</span>")[0] for part in parts]


def move(office: Office, *, port: int) -> Instance:
    """The server is elsewhere from now on."""
    services = office.world.services
    instance = services.store.instances.named("tenants")
    address = replace(instance.admin.address, port=port)
    moved = replace(instance, admin=replace(instance.admin, address=address))
    services.store.instances.update(moved)
    return moved


@pytest.fixture
def app_id(office: Office) -> AppId:
    """An app with a database that is ready."""
    app_id = office.new_app()
    database = office.database(app_id, Environment.PRODUCTION)
    states.make_ready(office.world.services, database)
    return app_id


@pytest.fixture
def away(office: Office, app_id: AppId) -> Iterator[None]:
    """The server went away, and was measured since."""
    before = office.world.services.store.instances.named("tenants")
    gone = move(office, port=1)
    measuring.measure_instance(office.world.services, gone.id)
    yield
    back = move(office, port=before.admin.address.port)
    measuring.measure_instance(office.world.services, back.id)


@pytest.mark.usefixtures("away")
def test_its_instance_is_an_error_with_the_cause(office: Office) -> None:
    for path in ("/instances", "/instances/tenants"):
        text = page(office, path)

        assert badges(text)[0] == "Error"
        assert CAUSE in text


@pytest.mark.usefixtures("away")
def test_the_api_says_so_with_the_cause_to_those_who_may_connect(office: Office) -> None:
    found = {
        role: office.ask("GET", "/api/v1/instances/tenants", office.people[role]).json()
        for role in ("operator", "write", "read")
    }

    assert {role: one["status"] for role, one in found.items()} == dict.fromkeys(found, "Error")
    problems = {role: one["problem"] for role, one in found.items()}
    assert problems == {"operator": CAUSE, "write": CAUSE, "read": None}


@pytest.mark.usefixtures("away")
def test_its_databases_are_not_shown_as_good(office: Office, app_id: AppId) -> None:
    app, instance = page(office, f"/apps/{app_id}", "read"), page(office, "/instances/tenants")

    for text in (app, instance):
        assert (
            '<span class="state good"><span class="sign" aria-hidden="true">✓</span>ready'
            not in (text)
        )
        assert "when its server last answered" in text
    assert "did not answer when it was last asked" in app
    assert CAUSE not in app


@pytest.mark.usefixtures("away")
def test_an_instance_without_apps_is_an_error_too(office: Office) -> None:
    services = office.world.services
    lonely = replace(services.store.instances.named("tenants"), name="lonely")
    lonely_id = services.store.instances.add(lonely)
    unasked = office.ask("GET", "/api/v1/instances/lonely", office.people["operator"]).json()

    measuring.measure_instance(services, lonely_id)

    asked = office.ask("GET", "/api/v1/instances/lonely", office.people["operator"]).json()
    services.store.instances.begin_deletion(lonely_id)
    services.store.instances.forget(lonely_id)
    assert (unasked["status"], unasked["problem"]) == ("Unassigned", None)
    assert (asked["status"], asked["problem"]) == ("Error", CAUSE)


def test_a_test_of_the_connection_renews_what_is_shown(office: Office, app_id: AppId) -> None:
    before = office.world.services.store.instances.named("tenants")
    operator = office.people["operator"]
    move(office, port=1)
    tested_away = office.ask("POST", "/api/v1/instances/tenants/test", operator, {})
    away = office.ask("GET", "/api/v1/instances/tenants", operator).json()["status"]
    move(office, port=before.admin.address.port)

    tested = office.ask("POST", "/api/v1/instances/tenants/test", operator, {})
    shown = office.ask("GET", "/api/v1/instances/tenants", operator).json()

    assert (tested_away.status_code, away) == (503, "Error")
    assert (tested.status_code, shown["problem"]) == (200, None)
    assert shown["status"] != "Error"


def test_sql_that_is_advised_can_be_copied(office: Office) -> None:
    services = office.world.services
    instance = services.store.instances.named("tenants")
    advice = "ALTER SYSTEM SET max_connections = 200; and restart."
    finding = Finding(code="few", message="Few connections.", advice=advice, is_fatal=False)
    services.store.measurements.record(
        instance.id,
        at=services.clock(),
        report=ServerReport(version="18.1", findings=(finding,)),
        sizes={},
        free_bytes=None,
    )

    text = page(office, "/instances/tenants")
    measuring.measure_instance(services, instance.id)

    sql = "ALTER SYSTEM SET max_connections = 200;"
    assert f'<pre class="sheet" id="advice-few-1-1" tabindex="0">{sql}</pre>' in text
    assert 'data-copies="advice-few-1-1"' in text
    assert '<p class="lines quiet">and restart.</p>' in text
