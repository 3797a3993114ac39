"""Servers: made, linked, watched and deleted by somebody who only has a browser."""

import secrets
import subprocess
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, expect

from app.core.instances import AdminLogin
from app.postgres.embedded.binaries import find_binaries
from tests.end_to_end.dashboard.conftest import Visit
from tests.end_to_end.dashboard.looks import (
    DESK_DARK,
    DESK_LIGHT,
    PHONE_DARK,
    PHONE_LIGHT,
    Look,
)
from tests.end_to_end.dashboard.visitor import Dashboard, row, state_of


@pytest.mark.parametrize("look", [PHONE_DARK, DESK_LIGHT], ids=["phone dark", "desk light"])
def test_a_server_is_provisioned_assigned_and_becomes_connected_while_one_looks(
    dashboard: Dashboard, visit: Visit, look: Look
) -> None:
    name = f"first-{look['width']}"
    repository = dashboard.github.create_repository(f"acme/{name}")
    dashboard.github.grant(repository, "mona", "write")
    page = visit("/instances", **look)
    page.get_by_role("link", name="Provision database").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Provision database").click()
    state_of(page, "Unassigned")

    page.get_by_role("link", name="Assign", exact=True).click()
    page.get_by_label("Repository").select_option(f"acme/{name}")
    page.get_by_label("Migration command").fill("./migrate --all")
    expect(page.get_by_label("Ignored branches")).to_be_hidden()
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_role("status").first).to_contain_text("assigned")
    page.get_by_role("link", name="Create the workflow at GitHub").click()
    page.locator("select[name='as']").select_option("mona")
    page.get_by_role("button", name="Commit changes").click()
    expect(page.locator("main")).to_contain_text("Create .github/workflows/database.yml")
    head = repository.git.head("main")
    assert head
    committed = repository.git.text(head, ".github/workflows/database.yml")
    assert 'migration-command: "./migrate --all"' in committed
    assert f"service-url: {dashboard.url}" in committed
    page.goto(f"{dashboard.url}/instances/{name}")
    state_of(page, "Connected")
    expect(page.locator("dl.facts")).to_contain_text("Comes without")

    expect(row(page, "-production")).to_contain_text("ready")
    row(page, "-production").get_by_role("button", name="URL").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#announcements")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    with psycopg.connect(copied) as connection:
        [database] = connection.execute("SELECT current_database()").fetchone() or [""]
    assert database.endswith("-production")
    assert _psql(copied, "SELECT current_database()") == database
    page.goto(f"{dashboard.url}/audit?q=databases+url")
    expect(page.locator("tbody tr").first).to_contain_text(database)


def test_a_link_that_cannot_work_says_exactly_why(visit: Visit, postgres_admin: AdminLogin) -> None:
    page = visit("/link", **PHONE_LIGHT)
    page.get_by_label("Name").fill("wrong")
    _paste(page, postgres_admin, password="not-the-password")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_role("alert")).to_contain_text("password")

    page.locator("#port").fill("1")
    page.locator("#port").press("Enter")  # the first button, which links
    expect(page.get_by_role("alert")).to_contain_text("does not accept connections")
    expect(page.get_by_label("Host", exact=True)).to_have_value(postgres_admin.address.host)


def test_a_connection_string_is_taken_apart_when_it_is_whole(visit: Visit) -> None:
    page = visit("/link", **DESK_DARK)
    host = page.get_by_label("Host", exact=True)
    password = page.get_by_label("Password", exact=True)
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


def test_a_connection_string_whose_password_is_not_encoded_stays_with_what_to_write(
    visit: Visit,
) -> None:
    page = visit("/link", **DESK_DARK)
    text = "postgresql://ann:p@ss/w#rd@db.example:5432/app"
    given, host = page.get_by_label("Connection string"), page.get_by_label("Host", exact=True)
    page.get_by_label("Name").fill("theirs")

    given.fill(text)
    host.fill("db.example")
    page.get_by_role("button", name="Test connection").click()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("%40 for @")
    expect(alert).not_to_contain_text("w#rd")
    expect(given).to_have_value(text)
    expect(host).to_have_value("db.example")


def test_a_server_is_linked_by_its_connection_string(
    dashboard: Dashboard, visit: Visit, postgres_admin: AdminLogin
) -> None:
    page = visit("/link", **DESK_DARK)
    page.get_by_label("Name").fill("theirs")
    _paste(page, postgres_admin, password=postgres_admin.password)
    expect(page.get_by_label("Host", exact=True)).to_have_value(postgres_admin.address.host)
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator(".notice")).to_contain_text("The connection works")
    expect(page.locator("details.tried")).to_contain_text("all of it went")
    page.get_by_role("button", name="Link database").click()
    expect(page.locator("h1")).to_have_text("theirs")
    expect(page.locator("details.tried")).to_contain_text("all of it went")
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
    page = visit(f"/assign?instance={name}", **PHONE_LIGHT)
    page.get_by_label("Repository").select_option("acme/fixing")
    page.get_by_text("More", exact=True).click()
    page.get_by_label("App id").fill(app)
    page.get_by_role("button", name="Assign").click()
    page.goto(f"{dashboard.url}/instances/{name}")
    state_of(page, "Error")
    expect(row(page, f"{app}-production")).to_contain_text("Naming conflict")
    expect(page.locator("#status")).to_contain_text("1 database failed. The server itself answers.")

    _run(postgres_superuser, f"DROP DATABASE {in_the_way}")
    row(page, f"{app}-production").get_by_role("button", name="Fix").click()

    state_of(page, "Connected")
    expect(row(page, f"{app}-production")).to_contain_text("ready")
    expect(page.locator("main")).not_to_contain_text("1 database failed")


def _paste(page: Page, admin: AdminLogin, *, password: str) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", _url(admin, password=password))
    page.get_by_label("Connection string").focus()
    page.keyboard.press("Control+V")


def _url(admin: AdminLogin, *, password: str | None = None) -> str:
    address = admin.address
    login = f"{admin.user}:{password or admin.password}"
    return f"postgresql://{login}@{address.host}:{address.port}/postgres?sslmode=disable"


def _psql(url: str, statement: str) -> str:
    """What the program prints that people paste the URL behind."""
    program = find_binaries().program("psql")
    command: list[str | Path] = [program, url, "--no-psqlrc", "-Atc", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _run(admin: AdminLogin, statement: str) -> None:
    with psycopg.connect(_url(admin), autocommit=True) as connection:
        connection.execute(statement.encode())
