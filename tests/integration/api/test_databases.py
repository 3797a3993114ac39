"""Databases over the API: what takes time is queued, and a worker does it."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest

from app.core import lifecycle
from app.core.findings import ServerReport
from app.core.identifiers import DatabaseId
from tests.integration.api.office import Office


@pytest.fixture(scope="module")
def app_id(office: Office) -> str:
    """An app whose databases are there."""
    app_id = office.new_app()
    office.world.settle()
    return app_id


def ask(office: Office, method: str, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    answer = office.ask(method, f"/api/v1{path}", office.people["admin"], body)
    return answer.status_code, answer.json()


def preview(office: Office, app_id: str) -> dict[str, Any]:
    _, answer = ask(office, "GET", f"/databases?app={app_id}&environment=preview")
    [found] = answer["items"]
    database: dict[str, Any] = found
    return database


def connect(office: Office, database: dict[str, Any]) -> psycopg.Connection[Any]:
    status, shown = ask(office, "POST", f"/databases/{database['id']}/credentials")
    assert status == 200, shown
    return psycopg.connect(shown["variables"]["DATABASE_URL"], autocommit=True)


def test_credentials_connect_and_are_audited(office: Office, app_id: str) -> None:
    database = preview(office, app_id)

    with connect(office, database) as session:
        row = session.execute("SELECT current_database()").fetchone()

    assert row == (database["name"],)
    entry = office.world.services.store.audit.latest(limit=1)[0]
    assert (entry.actor, entry.action, entry.subject) == (
        "token:test of github:admin-person",
        "databases credentials",
        database["name"],
    )


def test_a_reset_is_done_by_a_worker(office: Office, app_id: str) -> None:
    database = preview(office, app_id)
    with connect(office, database) as session:
        session.execute("CREATE TABLE t ()")

    status, answer = ask(office, "POST", f"/databases/{database['id']}/reset")
    before = preview(office, app_id)["state"]
    office.world.settle()

    assert (status, answer["state"], before) == (202, "creating", "creating")
    assert preview(office, app_id)["state"] == "ready"
    with connect(office, database) as session:
        assert session.execute("SELECT to_regclass('t')").fetchone() == (None,)


def test_a_fix_makes_a_changed_password_good_again(office: Office, app_id: str) -> None:
    database = preview(office, app_id)
    with connect(office, database) as session:
        session.execute("CREATE TABLE IF NOT EXISTS kept ()")

    status, _ = ask(office, "POST", f"/databases/{database['id']}/fix")
    office.world.settle()

    assert status == 202
    with connect(office, database) as session:
        assert session.execute("SELECT to_regclass('kept')").fetchone() == ("kept",)


def test_a_deleted_database_comes_back_with_its_data(office: Office, app_id: str) -> None:
    database = preview(office, app_id)
    with connect(office, database) as session:
        session.execute("CREATE TABLE IF NOT EXISTS precious ()")

    deleted = ask(office, "DELETE", f"/databases/{database['id']}")
    office.world.settle()
    refused = ask(office, "POST", f"/databases/{database['id']}/credentials")
    restored = ask(office, "POST", f"/databases/{database['id']}/restore")
    office.world.settle()

    assert (deleted[0], deleted[1]["state"]) == (202, "deleted")
    assert deleted[1]["kept_until"] is not None
    assert (refused[0], refused[1]["error"]) == (409, "conflict")
    assert restored[0] == 202
    with connect(office, database) as session:
        assert session.execute("SELECT to_regclass('precious')").fetchone() == ("precious",)


def test_a_database_is_made_and_dropped(office: Office, app_id: str) -> None:
    created, database = ask(office, "POST", f"/apps/{app_id}/databases")
    office.world.settle()
    again, ready = ask(office, "POST", f"/apps/{app_id}/databases")

    dropped, _ = ask(office, "DELETE", f"/databases/{database['id']}?now=true")
    office.world.settle()

    assert (created, again, dropped) == (202, 200, 202)
    assert (ready["environment"], ready["state"]) == ("dev", "ready")
    assert ask(office, "GET", f"/databases/{database['id']}")[0] == 404
    assert database["name"] not in office.world.services.server_for(
        office.world.services.store.instances.named("tenants")
    ).database_names(prefix=app_id)


def test_a_restore_that_came_meanwhile_keeps_what_was_to_be_dropped(
    office: Office, app_id: str
) -> None:
    database = preview(office, app_id)
    ask(office, "DELETE", f"/databases/{database['id']}?now=true")
    services = office.world.services
    found = services.store.databases.get(database["id"])

    from_elsewhere = partial(lifecycle.restored, now=services.clock())
    services.store.databases.apply_to(found.id, from_elsewhere)
    office.world.settle()

    assert preview(office, app_id)["state"] == "ready"


def test_a_branch_that_github_does_not_have_gets_nothing(office: Office, app_id: str) -> None:
    status, answer = ask(office, "POST", f"/apps/{app_id}/databases", branch="nowhere")

    assert (status, answer["error"]) == (404, "not_found")


def test_an_accelerate_url_is_kept_and_shown_to_nobody(office: Office, app_id: str) -> None:
    database, url = preview(office, app_id), "prisma://accelerate.example/?api_key=abcdefgh"

    status, answer = ask(office, "PATCH", f"/databases/{database['id']}", accelerate_url=url)

    assert status == 200
    assert "api_key" not in str(answer)
    _, shown = ask(office, "POST", f"/databases/{database['id']}/credentials")
    assert shown["variables"]["PRISMA_ACCELERATE_URL"] == url


def test_sizes_over_time_are_listed_page_by_page(office: Office, app_id: str) -> None:
    services, database = office.world.services, preview(office, app_id)
    # Between two measurements of a worker that may run: none is at these times.
    times = [services.clock() - timedelta(days=day, microseconds=1) for day in (3, 2, 1)]
    report = ServerReport(version="18", findings=())
    instance = services.store.instances.named("tenants")
    for number, at in enumerate(times, start=1):
        services.store.measurements.record(
            instance.id,
            at=at,
            report=report,
            sizes={DatabaseId(database["id"]): number * 1_000_000},
            free_bytes=None,
        )

    path = f"/databases/{database['id']}/sizes"
    _, first = ask(office, "GET", f"{path}?limit=2")
    _, second = ask(office, "GET", f"{path}?cursor={first['next']}")

    listed = [*first["items"], *second["items"]][:3]
    assert [one["size_bytes"] for one in listed] == [1_000_000, 2_000_000, 3_000_000]
    assert [datetime.fromisoformat(one["measured_at"]) for one in listed] == times
    assert second["next"] is None
