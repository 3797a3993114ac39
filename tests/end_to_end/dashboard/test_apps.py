"""Apps and their databases: rules, reset, delete and restore, what a run did."""

import re
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, expect

from demo.runner import Runner, copy_action
from tests.end_to_end.dashboard.conftest import Visit
from tests.end_to_end.dashboard.looks import (
    DESK_DARK,
    PHONE_DARK,
    PHONE_LIGHT,
    Look,
    faults,
    needs_axe,
)
from tests.end_to_end.dashboard.visitor import Dashboard, row
from tests.end_to_end.project import Plan, Project, Site

RUN = re.compile(r"^Run \d+$")
"""The links to an app's runs: numbers are the service's, and other tests have runs too."""
# As a migration does, without a word in the log.
CONNECT = "psql -qXo /dev/null -c 'SELECT 1'"
# The second time it locks a table that was there before.
LOCK = (
    "PGOPTIONS='-c client_min_messages=error' psql -qX -c 'CREATE TABLE IF NOT EXISTS notes ()'"
    " -c 'ALTER TABLE notes ADD IF NOT EXISTS id int'"
)


@pytest.fixture(scope="module")
def app_with_a_run(
    dashboard: Dashboard, instance: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Its runs, two alike, went well on the branch, and failed on preview."""
    folder = tmp_path_factory.mktemp("app-with-a-run")
    runner = Runner(folder / "runner", action=copy_action(folder / "action"))
    site = Site(github=dashboard.github, service=dashboard.service, runner=runner, folder=folder)
    lines = r"needle one\n<b>two</b>\n\033[31mred\033[0m\n"
    command = f"{LOCK}; printf '{lines}'; test $COPPICE_ENVIRONMENT = branch"
    project = Project.create(site, Plan(command=command), name="runs", instance=instance)
    project.push("feature/<i>", {"a": "b"})
    project.run("feature/<i>")
    return "acme/runs"


def test_rules_are_edited_and_the_app_removed_without_its_databases(
    dashboard: Dashboard, visit: Visit, instance: str
) -> None:
    page = _assigned(dashboard, visit, "acme/rules", instance, PHONE_DARK)
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Migration command").fill("npx prisma migrate deploy")
    page.get_by_label("Ignored branches").fill("dependabot/**\nrenovate/**")
    page.get_by_label("Preview database").select_option("default-branch")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("npx prisma migrate deploy")
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Ignored branches")).to_have_value("dependabot/**\nrenovate/**")
    page.go_back()

    page.get_by_role("link", name="Remove").click()
    expect(page.locator("main")).to_contain_text("The databases stay")
    page.get_by_role("button", name="Remove").click()

    expect(page.locator("main")).to_contain_text("This app is not assigned")
    expect(row(page, "-production")).to_contain_text("ready")


def test_a_rule_that_cannot_be_meant_is_refused_and_what_was_typed_stays(
    dashboard: Dashboard, visit: Visit, instance: str
) -> None:
    page = _assigned(dashboard, visit, "acme/wrong-rules", instance, DESK_DARK)
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Migration command").fill("make migrate")
    page.get_by_label("Reusable workflows").fill("not a workflow")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("alert")).to_contain_text("not a workflow")
    expect(page.get_by_label("Migration command")).to_have_value("make migrate")


def test_a_database_is_deleted_restored_and_reset(
    dashboard: Dashboard, visit: Visit, instance: str
) -> None:
    page = _assigned(dashboard, visit, "acme/databases", instance, PHONE_LIGHT)
    url = _url(page, "-preview")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    page.go_back()

    row(page, "-preview").get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(row(page, "-preview")).to_contain_text("deleted")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    row(page, "-preview").get_by_role("button", name="Restore").click()
    _until_ready(page, "-preview")
    assert _tables(_url(page, "-preview")) == ["kept"]
    page.go_back()

    row(page, "-preview").get_by_role("link", name="Reset").click()
    page.get_by_label("Type").fill("preview")
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("alert")).to_contain_text("not the name")
    page.get_by_label("Type").fill(page.locator("h1 code").inner_text())
    page.get_by_role("button", name="Reset").click()
    _until_ready(page, "-preview")
    assert _tables(_url(page, "-preview")) == []


def test_the_database_for_local_work_is_made_on_request(
    dashboard: Dashboard, visit: Visit, instance: str
) -> None:
    page = _assigned(dashboard, visit, "acme/local", instance, DESK_DARK)
    page.get_by_role("button", name="Create the dev database").click()
    _until_ready(page, "-dev")
    page.reload()
    page.get_by_role("button", name="Show .env").click()

    variables = page.locator("#dotenv").inner_text()
    assert "DATABASE_URL=" in variables
    assert "SHADOW_DATABASE_URL=" in variables


def test_a_database_is_seeded_once_more_by_a_button(
    dashboard: Dashboard, visit: Visit, instance: str, tmp_path: Path
) -> None:
    runner = Runner(tmp_path / "runner", action=copy_action(tmp_path / "action"))
    site = Site(github=dashboard.github, service=dashboard.service, runner=runner, folder=tmp_path)
    seed = f"{CONNECT}; echo sown"
    project = Project.create(
        site, Plan(command=CONNECT, inputs={"seed-command": seed}), name="seeds", instance=instance
    )
    assert project.push("sown", {"a": "b"}).seeds["branch"] == "success"
    assert project.run("sown").seeds["branch"] is None
    page = visit("/apps", **PHONE_LIGHT)
    page.get_by_role("link", name="acme/seeds", exact=True).click()

    row(page, "--sown").get_by_role("link", name="Seed").click()
    expect(page.locator("main")).to_contain_text(seed)
    page.get_by_role("button", name="Seed").click()

    expect(page.get_by_role("status").first).to_contain_text("next run of the workflow seeds it")
    expect(row(page, "--sown")).to_contain_text("seeded by the next run")
    assert project.run("sown").seeds["branch"] == "success"
    page.reload()
    expect(row(page, "--sown").get_by_role("link", name="Seed")).to_be_visible()


def test_databases_that_are_missing_are_created_from_the_page(
    dashboard: Dashboard, visit: Visit, instance: str
) -> None:
    page = _assigned(dashboard, visit, "acme/missing", instance, PHONE_DARK)
    create = page.get_by_role("button", name="Create the database of preview")
    for _ in range(3):  # what is done every ten minutes makes it too, if it comes in between
        dashboard.service.coppice("apps", "edit", "acme/missing", "--preview", "off")
        dashboard.service.coppice(
            "databases", "delete", "acme/missing", "--environment", "preview", "--now", "--yes"
        )
        page.reload()
        expect(row(page, "-preview")).to_have_count(0)
        dashboard.service.coppice("apps", "edit", "acme/missing", "--preview", "shared")
        page.reload()
        if create.count():
            break

    create.click()
    page.get_by_text("Create the database of a branch").click()
    page.get_by_label("Branch", exact=True).fill("not-there")
    _until_ready(page, "-preview")  # meanwhile the page follows, and what was typed stays
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("has no branch 'not-there'")
    expect(page.get_by_label("Branch", exact=True)).to_have_value("not-there")

    assert _tables(_url(page, "-preview")) == []


def test_a_run_shows_its_results_with_logs_to_search_and_take_away(
    visit: Visit, app_with_a_run: str
) -> None:
    page = visit("/apps", **PHONE_DARK)
    page.get_by_role("link", name=app_with_a_run).click()
    expect(page.locator("#state")).to_contain_text("feature/<i>")
    page.get_by_role("link", name=RUN).first.click()
    section = page.locator("section", has=page.get_by_role("heading", name="branch"))
    expect(section).to_contain_text("success")
    expect(page.locator("pre.log").first).to_contain_text("<b>two</b>")
    expect(page.locator("pre.log .fg-red").first).to_have_text("red")
    page.get_by_label("Search the logs").fill("NEEDLE")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("mark").first).to_have_text("needle")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download log").first.click()
    assert Path(download.value.path()).read_text().startswith("needle one\n<b>two</b>")


@needs_axe
def test_a_run_and_its_plots_are_for_everybody(
    dashboard: Dashboard, visit: Visit, instance: str, app_with_a_run: str
) -> None:
    page = visit(f"/instances/{instance}")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_role("status").first).to_contain_text("asked")
    page.goto(f"{dashboard.url}/apps")
    page.get_by_role("link", name=app_with_a_run).click()
    [preview] = page.locator("#plot option").filter(has_text="-preview").all_inner_texts()
    page.locator("#plot").select_option(preview)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator(".plot .dot.bad")).to_have_count(2)
    expect(page.locator(".plot .steps")).to_have_count(1)
    of_app = faults(page)

    page.get_by_role("link", name=RUN).first.click()
    expect(page.locator("pre.log")).to_have_count(2)
    expect(page.get_by_role("img", name="Locks on tables of branch over time")).to_have_count(1)
    of_run = faults(page)

    assert (of_app, of_run) == ({}, {})


def _assigned(dashboard: Dashboard, visit: Visit, name: str, instance: str, look: Look) -> Page:
    """The page of a new app, once its databases are ready."""
    dashboard.github.create_repository(name)
    dashboard.service.coppice("apps", "assign", name, instance)
    page = visit("/apps", **look)
    page.get_by_role("link", name=name, exact=True).click()
    _until_ready(page, "-production")
    _until_ready(page, "-preview")
    return page


def _until_ready(page: Page, name: str) -> None:
    expect(row(page, name).first.locator("td .state").first).to_contain_text("ready")


def _url(page: Page, name: str) -> str:
    row(page, name).get_by_role("button", name="URL").click()
    return page.locator("#database-url").inner_text()


def _tables(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [name for (name,) in rows]
