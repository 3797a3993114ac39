"""Tokens of the API, made and ended at the machine."""

import json

from tests.integration.serve.installation import Installation


def test_a_token_is_shown_once_and_listed_without_its_secret(assigned: Installation) -> None:
    [app] = json.loads(assigned.ok("apps", "list", "--json"))

    secret = assigned.ok(
        "tokens", "create", "ci", "--app-id", app["app"], "--read-only", "--days", "30"
    ).strip()

    assert secret.startswith("coppice_")
    assert len(secret) == len("coppice_") + 40
    text = assigned.ok("tokens", "list", "--json")
    assert secret not in text
    [listed] = json.loads(text)
    assert (listed["name"], listed["app"], listed["read_only"]) == ("ci", app["app"], True)
    assert listed["maker"] == "operator"
    assert listed["expires_at"] > listed["created_at"]
    assert listed["last_used_at"] is None


def test_a_revoked_token_is_gone(coppice: Installation) -> None:
    coppice.ok("tokens", "create", "ci")
    [listed] = json.loads(coppice.ok("tokens", "list", "--json"))

    coppice.ok("tokens", "revoke", str(listed["token"]))

    assert json.loads(coppice.ok("tokens", "list", "--json")) == []
    again = coppice.run("tokens", "revoke", str(listed["token"]))
    assert again.returncode == 1
    assert (
        "The list of tokens shows yours with their numbers (`coppice tokens list`)." in again.stderr
    )


def test_a_token_for_an_app_that_is_not_assigned_is_refused(coppice: Installation) -> None:
    finished = coppice.run("tokens", "create", "ci", "--app-id", "nothere")

    assert finished.returncode == 1
    assert "nothere" in finished.stderr
    assert json.loads(coppice.ok("tokens", "list", "--json")) == []
