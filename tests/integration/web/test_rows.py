"""What stands out among databases and apps: what needs somebody, and nothing else."""

import re
from functools import partial

from app.core import lifecycle
from app.core.assignments import Parent, Policies
from app.core.environments import Environment
from app.core.identifiers import AppId
from app.core.limits import FROZEN_ADVICE
from app.operations.databases import measuring
from tests.integration import states
from tests.integration.api.office import Office

HTML = {"Accept": "text/html"}


def page(office: Office, path: str) -> str:
    answer = office.ask("GET", path, office.people["operator"], headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def frozen(office: Office, app_id: AppId, branch: str) -> None:
    services = office.world.services
    database = office.database(app_id, Environment.BRANCH, branch)
    states.make_ready(services, database)
    states.freeze(services, database, reason=f"{branch} is too large.")


def test_what_to_do_about_frozen_databases_is_said_once(office: Office) -> None:
    app_id = office.new_app()
    frozen(office, app_id, "one")
    frozen(office, app_id, "two")

    text = page(office, f"/apps/{app_id}")

    assert text.count(FROZEN_ADVICE) == 1
    assert "2 databases are frozen" in text
    assert text.count("</span>frozen</span>") == 2
    for branch in ("one", "two"):
        assert f'<p class="reason">{branch} is too large.</p>' in text


def test_a_frozen_database_that_was_deleted_is_shown_as_deleted(office: Office) -> None:
    app_id, services = office.new_app(), office.world.services
    frozen(office, app_id, "one")
    database = office.database(app_id, Environment.BRANCH, "one")
    states.delete(services, database)

    text = page(office, f"/apps/{app_id}")

    assert "frozen" not in text
    assert "</span>deleted</span>" in text


def test_fix_of_a_failed_database_is_the_only_button_that_stands_out(office: Office) -> None:
    app_id, services = office.new_app(), office.world.services
    failed = office.database(app_id, Environment.BRANCH, "failed")
    deleted = office.database(app_id, Environment.BRANCH, "deleted")
    states.fail(services, failed)
    states.make_ready(services, deleted)
    states.delete(services, deleted)

    text = page(office, f"/apps/{app_id}")

    table = text.partition('aria-labelledby="branches"')[2].partition("</table>")[0]
    assert re.findall(r'<button class="main">(\w+)', table) == ["Fix"]
    assert "Restore" in table


def test_apps_with_errors_come_first_and_are_marked(office: Office) -> None:
    services = office.world.services
    well, failing = office.new_app(), office.new_app()
    states.make_ready(services, office.database(well, Environment.PRODUCTION))
    states.fail(services, office.database(failing, Environment.PRODUCTION))
    other = office.database(failing, Environment.PREVIEW)
    states.make_ready(services, other)

    text = page(office, "/apps")

    assert text.index(f"/apps/{failing}") < text.index(f"/apps/{well}")
    line = text.partition(f"/apps/{failing}")[2].partition("</tr>")[0]
    badges = re.findall(r'<span class="state (\w+)">.*?</span>([^<]+)</span>', line)
    assert badges == [("bad", "1 error"), ("good", "1 ready")]


def test_an_instance_whose_machine_is_silent_says_since_when_and_is_no_error(
    office: Office,
) -> None:
    services, state = office.world.services, office.world.state
    measuring.ask(services, services.store.instances.named("tenants"))
    state.execute(
        "INSERT INTO hosts (id, name, place, seen_at)"
        " VALUES ('b0b', 'db1:/srv/coppice', 'there', '2026-11-29 12:03:00+00')"
    )
    state.execute("UPDATE instances SET kind = 'provisioned', host_id = 'b0b'")
    try:
        pages = [page(office, path) for path in ("/instances", "/instances/tenants")]
        tried = office.ask("POST", "/instances/tenants/test", office.people["operator"])
    finally:
        state.execute("UPDATE instances SET kind = 'linked', host_id = NULL")

    for text in pages:
        assert "</span>Unreachable</span>" in text
        assert "Unreachable since 2026-11-29 12:03:00 UTC: its machine, db1:/srv/coppice" in text
        assert "</span>Error</span>" not in text
    assert "Its machine cannot be asked at present" in pages[1]
    assert tried.status_code == 409


def test_an_app_whose_servers_machine_is_silent_says_so(office: Office) -> None:
    app_id, state = office.new_app(), office.world.state
    assignment = office.world.services.store.apps.assignment(app_id)
    assert assignment is not None
    state.execute(
        "INSERT INTO hosts (id, name, place, seen_at)"
        " VALUES ('gone', 'db7:/srv/coppice', '', now() - interval '1 hour')"
    )
    state.execute(
        "UPDATE instances SET kind = 'provisioned', host_id = 'gone' WHERE id = %s",
        [assignment.instance_id],
    )
    try:
        text, listed = page(office, f"/apps/{app_id}"), page(office, "/apps")
    finally:
        state.execute(
            "UPDATE instances SET kind = 'linked', host_id = NULL WHERE id = %s",
            [assignment.instance_id],
        )
        state.execute("DELETE FROM hosts WHERE id = 'gone'")

    assert "cannot be reached. Unreachable since " in text
    assert "its machine, db7:/srv/coppice, gives no sign of life." in text
    assert "server does not answer" in listed.partition(f"/apps/{app_id}")[2].partition("</tr>")[0]


def test_a_template_stands_on_its_server_and_is_nothing_that_people_restore(
    office: Office,
) -> None:
    app_id, databases = office.new_app(), office.world.services.store.databases
    office.with_policies(app_id, Policies(parent=Parent.FIXTURE))
    before = page(office, f"/apps/{app_id}")
    template = office.database(app_id, Environment.TEMPLATE)
    states.make_ready(office.world.services, template)
    states.migrate(office.world.services, template.id, "c" * 40)
    databases.apply_to(template.id, partial(lifecycle.sealed, generation=template.generation))
    clone = office.database(app_id, Environment.BRANCH, "x")

    after, server = page(office, f"/apps/{app_id}"), page(office, "/instances/tenants")
    reset = page(office, f"/databases/{clone.id}/reset")
    shown = office.ask("GET", f"/api/v1/databases/{clone.id}", office.people["operator"]).json()

    assert "none yet: new databases begin empty until a run on" in before
    assert re.search(r"<dt>Template</dt><dd>.*<code>ccccccc</code>", after)
    assert f'id="database-{template.id}"' not in after
    [row] = re.findall(rf'<tr[^>]* id="database-{template.id}">.*?</tr>', server, re.DOTALL)
    assert "</span>template</span>" in row
    assert "new databases are clones of it" in row
    assert not re.search('<button|class="button', row)
    assert f"a clone of {template.name}" in reset
    assert shown["cloned_from"] == template.name
