"""What becomes of the settings that a run leaves on its database's role, and who is told."""

from tests.integration.runs.shop import Shop, query


def test_what_is_taken_back_is_said_and_the_rest_is_there_for_the_next_run(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")
    query(variables, "ALTER ROLE CURRENT_USER SET search_path = app, public")
    query(variables, "ALTER ROLE CURRENT_USER SET work_mem = '1GB'")
    query(variables, "ALTER ROLE CURRENT_USER SET statement_timeout = 1")

    verdict = job.report("branch").json
    again = job.report("branch").json
    check = shop.checks(job.run.head_sha)["migrate (branch)"]
    later = shop.job("x").begun().given("branch")

    assert verdict is not None
    assert verdict["message"].startswith("branch: success. Settings")
    assert "taken back: statement_timeout, work_mem." in verdict["message"]
    assert again == verdict
    assert "statement_timeout, work_mem" in check.summary
    assert query(later, "SHOW search_path") == [("app, public",)]
    assert query(later, "SHOW work_mem") != [("1GB",)]


def test_what_the_end_of_an_exported_login_shows_is_on_the_check_too(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(export_env=True)
    variables = job.given("branch")
    job.report("branch")
    query(variables, "ALTER ROLE CURRENT_USER SET work_mem = '1GB'")
    before = shop.checks(job.run.head_sha)["migrate (branch)"].summary

    shop.github.complete_run(job.run)
    shop.world.settle()

    assert "work_mem" not in before
    assert "work_mem" in shop.checks(job.run.head_sha)["migrate (branch)"].summary
