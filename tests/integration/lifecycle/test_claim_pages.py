"""The pages on which an operator limits and offers an instance, and somebody claims it."""

import html
import re
from dataclasses import replace

import psycopg
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.config import Config
from app.web.application import create_app
from app.web.auth import sessions
from tests.integration.lifecycle.world import World, remove_databases


class Browser:
    """A person at the pages, with a cookie and the tokens of the forms they see."""

    def __init__(self, application: Flask) -> None:
        self._client = application.test_client()

    def log_in(self, login: str, user_id: int) -> None:
        self._client.get(f"/as/{login}/{user_id}")

    def see(self, path: str) -> TestResponse:
        return self._client.get(path, headers={"Accept": "text/html"})

    def send(self, path: str, **fields: str) -> TestResponse:
        """Fill in the form of the page and send it, as the page says."""
        shown = self.see(path)
        found = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
        assert found, shown.text
        return self._client.post(
            path,
            data={"csrf_token": html.unescape(found[1]), **fields},
            headers={"Accept": "text/html"},
        )


@pytest.fixture
def application(world: World) -> Flask:
    world.assign()
    world.services.store.hosts.sign()
    with psycopg.connect(world.dsn, options="-c search_path=coppice") as session:
        here = world.services.store.hosts.here
        session.execute("UPDATE instances SET kind = 'provisioned', host_id = %s", [here])
    config = Config.from_environ({**world.settings, "COPPICE_OPERATORS": "boss"})
    app = create_app(world.services, config, world.clusters)

    def door(login: str, user_id: int) -> str:
        sessions.begin(user_id=user_id, login=login)
        return ""

    app.add_url_rule("/as/<login>/<int:user_id>", view_func=door)
    return app


@pytest.fixture
def boss(application: Flask, world: World) -> Browser:
    browser = Browser(application)
    browser.log_in("boss", world.github.user("boss").id)
    return browser


def visitor(application: Flask, world: World, permission: str) -> Browser:
    browser = Browser(application)
    account = world.github.grant(world.repository, "mona", permission)
    browser.log_in("mona", account.id)
    return browser


def link(boss: Browser, **limits: str) -> str:
    page = boss.send("/instances/tenants/offer", days="7", **limits).text
    found = re.search(r'id="claim-link"[^>]*>[^<]*(/claim/\w+)<', page)
    assert found, page
    return found[1]


def test_limits_are_saved_and_shown(boss: Browser, application: Flask, world: World) -> None:
    saved = boss.send(
        "/instances/tenants/limits", databases="20", database_bytes="500 MB", freezes="yes"
    )
    page = boss.see("/instances/tenants").text
    [app] = world.services.store.apps.assignments()
    of_app = visitor(application, world, "maintain").see(f"/apps/{app.app.id}").text
    form = boss.see("/instances/tenants/limits").text

    assert saved.status_code == 303
    assert "20 databases, 500 MB each, too large ones are frozen" in page
    assert "<dd>20 databases, 500 MB each, too large ones are frozen</dd>" in of_app
    assert 'value="500 MB"' in form


def test_limits_that_cannot_be_meant_are_said_beside_what_was_typed(boss: Browser) -> None:
    answer = boss.send("/instances/tenants/limits", databases="many", total_bytes="5 GB")

    assert answer.status_code == 400
    assert (
        "The number of databases must be a whole number, written with digits alone." in answer.text
    )
    assert 'value="5 GB"' in answer.text


def test_an_admin_follows_the_link_and_owns_the_server(
    boss: Browser, application: Flask, world: World
) -> None:
    path = link(boss, databases="50")
    mona = visitor(application, world, "admin")
    before = mona.see("/instances/tenants").status_code

    page = mona.see(path).text
    claimed = mona.send(path)
    after = mona.see("/instances/tenants")

    assert before == 403
    assert "It allows: 50 databases." in page
    assert claimed.status_code == 303
    assert after.status_code == 200
    assert "<dd>mona</dd>" in after.text
    assert "Hand over" not in after.text + boss.see("/instances/tenants").text


def test_the_owner_finds_the_server_again(boss: Browser, application: Flask, world: World) -> None:
    [app] = world.services.store.apps.assignments()
    mona = visitor(application, world, "admin")
    hidden = mona.see("/instances")
    mona.send(link(boss))

    pages = {path: mona.see(path) for path in ("/instances", "/apps", f"/apps/{app.app.id}")}

    assert hidden.status_code == 403
    assert 'href="/instances"' not in hidden.text
    for path, page in pages.items():
        assert page.status_code == 200, path
        assert '<a href="/instances"' in page.text, path
        assert 'href="/instances/tenants"' in page.text, path
    assert "Provision database" not in pages["/instances"].text
    assert "provisioned, owned by mona<" in pages["/instances"].text
    assert "provisioned, owned by mona<" in boss.see("/instances").text


def test_an_owner_sees_no_other_server(boss: Browser, application: Flask, world: World) -> None:
    tenants = world.services.store.instances.named("tenants")
    world.services.store.instances.add(replace(tenants, name="others"))
    mona = visitor(application, world, "admin")
    mona.send(link(boss))

    page = mona.see("/instances").text

    assert "tenants" in page
    assert "others" not in page
    assert "others" in boss.see("/instances").text


def test_who_deletes_their_only_server_is_told_so(
    boss: Browser, application: Flask, world: World
) -> None:
    mona = visitor(application, world, "admin")
    mona.send(link(boss))
    remove_databases(world)
    for one in world.services.store.apps.assignments():
        world.services.store.apps.remove(one.app.id)

    deleted = mona.send("/instances/tenants/delete", confirmation="tenants")
    after = mona.see(deleted.location)

    assert deleted.status_code == 303
    assert after.status_code == 200
    assert "The instance is gone." in after.text


def test_less_than_admin_is_told_what_is_missing(
    boss: Browser, application: Flask, world: World
) -> None:
    path = link(boss)
    mona = visitor(application, world, "maintain")

    answer = mona.send(path)

    assert answer.status_code == 403
    assert "not an admin of any repository" in answer.text


def test_who_is_not_logged_in_is_sent_to_log_in_first(boss: Browser, application: Flask) -> None:
    path = link(boss)

    answer = Browser(application).see(path)

    assert answer.status_code == 302
    assert answer.location.startswith("/login?next=%2Fclaim%2F")


def test_a_link_that_does_not_work_is_said_in_words(
    boss: Browser, application: Flask, world: World
) -> None:
    mona, path = visitor(application, world, "admin"), link(boss)
    mona.send(path)

    answers = [mona.see(path), mona.see("/claim/nothing")]

    for answer in answers:
        assert answer.status_code == 404
        assert "<h1>This link works no more</h1>" in answer.text
        assert "This claim link was used, was replaced" in answer.text


@pytest.mark.parametrize("page", ["limits", "offer", "edit", "delete"])
def test_visitors_get_none_of_the_operators_pages(
    application: Flask, world: World, page: str
) -> None:
    mona = visitor(application, world, "admin")

    assert mona.see(f"/instances/tenants/{page}").status_code == 403
