"""Servers: made, linked, watched and deleted by somebody who only has a browser."""

import secrets

import psycopg
from playwright.sync_api import Page, expect

from app.core.instances import AdminLogin
from tests.end_to_end.dashboard.conftest import Visit
from tests.end_to_end.dashboard.visitor import Dashboard, row, state_of


def test_a_server_is_provisioned_assigned_and_becomes_connected_while_one_looks(
    dashboard: Dashboard, visit: Visit
) -> None:
    dashboard.github.create_repository("acme/first")
    page = visit("/instances")
    page.get_by_role("link", name="Provision database").first.click()
    page.get_by_label("Name").fill("first")
    page.get_by_role("button", name="Provision database").click()
    state_of(page, "Unassigned")

    page.get_by_role("link", name="Assign", exact=True).click()
    page.get_by_label("Repository").fill("acme/first")
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_role("status").first).to_contain_text("assigned")
    page.goto(f"{dashboard.url}/instances/first")
    state_of(page, "Connected")

    expect(row(page, "-production")).to_contain_text("ready")
    row(page, "-production").get_by_role("button", name="URL").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#announcements")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    with psycopg.connect(copied) as connection:
        [name] = connection.execute("SELECT current_database()").fetchone() or [""]
    assert name.endswith("-production")
    page.goto(f"{dashboard.url}/audit?q=databases+url")
    expect(page.locator("tbody tr").first).to_contain_text(name)


def test_a_link_that_cannot_work_says_exactly_why(visit: Visit, postgres_admin: AdminLogin) -> None:
    page = visit("/link")
    page.get_by_label("Name").fill("wrong")
    _paste(page, postgres_admin, password="not-the-password")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_role("alert")).to_contain_text("password")

    page.locator("#port").fill("1")
    page.locator("#port").press("Enter")  # the first button, which links
    expect(page.get_by_role("alert")).to_contain_text("does not accept connections")
    expect(page.get_by_label("Host", exact=True)).to_have_value(postgres_admin.address.host)


def test_a_connection_string_is_taken_apart_when_it_is_whole(visit: Visit) -> None:
    page = visit("/link")
    host, password = page.get_by_label("Host", exact=True), page.get_by_label("Password")
    given = page.get_by_label("Connection string")

    given.press_sequentially("postgresql://ann:100%@db.example/app")
    page.get_by_label("Name").focus()
    expect(given).to_have_value("postgresql://ann:100%@db.example/app")
    given.fill("")
    given.press_sequentially("postgresql://ann:100%25@db.example/app")
    expect(host).to_have_value("")
    page.get_by_label("Name").focus()

    expect(host).to_have_value("db.example")
    expect(password).to_have_value("100%")
    expect(given).to_have_value("")


def test_a_server_is_linked_by_its_connection_string(
    dashboard: Dashboard, visit: Visit, postgres_admin: AdminLogin
) -> None:
    page = visit("/link")
    page.get_by_label("Name").fill("theirs")
    _paste(page, postgres_admin, password=postgres_admin.password)
    expect(page.get_by_label("Host", exact=True)).to_have_value(postgres_admin.address.host)
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator(".notice")).to_contain_text("The connection works")
    page.get_by_role("button", name="Link database").click()
    expect(page.locator("h1")).to_have_text("theirs")
    expect(page.locator("main")).to_contain_text("PostgreSQL")

    page.get_by_role("link", name="Delete instance").click()
    page.get_by_label("Type theirs").fill("other")
    page.get_by_role("button", name="Delete theirs").click()
    expect(page.get_by_role("alert")).to_contain_text("not the name")
    page.get_by_label("Type theirs").fill("theirs")
    page.get_by_role("button", name="Delete theirs").click()
    expect(page.locator(".notice")).to_contain_text("gone")


def test_what_failed_is_shown_with_its_cause_and_fixed_by_a_button(
    dashboard: Dashboard, visit: Visit, postgres_admin: AdminLogin, postgres_superuser: AdminLogin
) -> None:
    app, name = secrets.token_hex(5), "fixing"
    dashboard.github.create_repository("acme/fixing")
    in_the_way = f'"{app}-production"'
    _run(postgres_superuser, f"CREATE DATABASE {in_the_way}")
    dashboard.service.coppice("instances", "link", name, "--url", _url(postgres_admin))
    page = visit(f"/assign?instance={name}")
    page.get_by_label("Repository").fill("acme/fixing")
    page.get_by_label("App id").fill(app)
    page.get_by_role("button", name="Assign").click()
    page.goto(f"{dashboard.url}/instances/{name}")
    state_of(page, "Error")
    expect(row(page, f"{app}-production")).to_contain_text("Naming conflict")

    _run(postgres_superuser, f"DROP DATABASE {in_the_way}")
    row(page, f"{app}-production").get_by_role("button", name="Fix").click()

    state_of(page, "Connected")
    expect(row(page, f"{app}-production")).to_contain_text("ready")


def _paste(page: Page, admin: AdminLogin, *, password: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", _url(admin, password=password))
    page.get_by_label("Connection string").focus()
    page.keyboard.press("Control+V")


def _url(admin: AdminLogin, *, password: str | None = None) -> str:
    address = admin.address
    login = f"{admin.user}:{password or admin.password}"
    return f"postgresql://{login}@{address.host}:{address.port}/postgres?sslmode=disable"


def _run(admin: AdminLogin, statement: str) -> None:
    with psycopg.connect(_url(admin), autocommit=True) as connection:
        connection.execute(statement.encode())
