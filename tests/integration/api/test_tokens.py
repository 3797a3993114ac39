"""Tokens of the API: what a maker gives away, and takes back."""

import psycopg

from app.store.connection import state_conninfo
from tests.integration.api.office import Office
from tests.integration.browser import Browser


def login_token(office: Office, login: str = "mona", permission: str = "write") -> str:
    """A person's own token, which may make others."""
    world = office.world
    user = world.github.grant(world.repository, login, permission)
    key = world.settings["COPPICE_SECRET_KEYS"]
    browser = Browser(office.url, secret_key=key, login=login, user_id=user.id)
    begun = office.ask("POST", "/api/v1/login/device", None, {"name": "laptop"}).json()
    browser.send("/login/device", code=begun["user_code"], answer="confirm")
    body = {"device_code": begun["device_code"]}
    made = office.ask("POST", "/api/v1/login/device/token", None, body).json()
    return str(made["secret"])


def test_a_token_is_shown_once_and_stored_as_a_hash(office: Office) -> None:
    mine = login_token(office)

    made = office.ask("POST", "/api/v1/tokens", mine, {"name": "ci", "days": 3}).json()

    listed = office.ask("GET", "/api/v1/tokens", mine)
    assert made["secret"] not in listed.text
    with psycopg.connect(state_conninfo(office.world.dsn)) as session:
        rows = session.execute("SELECT tokens::text FROM tokens").fetchall()
    assert made["secret"] not in str(rows)
    assert made["secret"].encode().hex() not in str(rows)
    assert made["expires_at"] > made["created_at"]


def test_using_a_token_is_remembered(office: Office) -> None:
    mine = login_token(office)
    made = office.ask("POST", "/api/v1/tokens", mine, {"name": "ci"}).json()

    office.ask("GET", "/api/v1/whoami", made["secret"])

    [listed] = [
        one
        for one in office.ask("GET", "/api/v1/tokens", mine).json()["items"]
        if one["id"] == made["id"]
    ]
    assert made["last_used_at"] is None
    assert listed["last_used_at"] is not None


def test_a_program_makes_and_sees_no_tokens(office: Office) -> None:
    program = office.people["admin"]

    answers = [
        office.ask("GET", "/api/v1/tokens", program),
        office.ask("POST", "/api/v1/tokens", program, {"name": "more"}),
        office.ask("DELETE", "/api/v1/tokens/1", program),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_people_see_and_end_their_own_tokens_only(office: Office) -> None:
    mine, other = login_token(office), login_token(office, "hubot", "admin")
    made = office.ask("POST", "/api/v1/tokens", mine, {"name": "ci"}).json()
    place = f"/api/v1/tokens/{made['id']}"

    seen = [one["id"] for one in office.ask("GET", "/api/v1/tokens", other).json()["items"]]
    refused = office.ask("DELETE", place, other)
    still = office.ask("GET", "/api/v1/whoami", made["secret"])
    ended = office.ask("DELETE", place, mine)

    assert made["id"] not in seen
    assert (refused.status_code, still.status_code, ended.status_code) == (404, 200, 204)
    assert office.ask("GET", "/api/v1/whoami", made["secret"]).status_code == 401


def test_a_token_is_for_an_app_that_its_maker_sees(office: Office) -> None:
    app_id = office.new_app()
    stranger = login_token(office, "stranger", "none")

    refused = office.ask("POST", "/api/v1/tokens", stranger, {"name": "x", "app": app_id})

    assert refused.status_code == 404


def test_an_expired_token_works_no_more(office: Office) -> None:
    secret = office.token(office.actor("admin"), days=1)

    with psycopg.connect(state_conninfo(office.world.dsn)) as session:
        session.execute("UPDATE tokens SET expires_at = now() WHERE expires_at IS NOT NULL")

    answer = office.ask("GET", "/api/v1/whoami", secret)
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")


def test_making_and_ending_is_in_the_audit_trail_with_who_and_where(office: Office) -> None:
    mine = login_token(office)
    made = office.ask("POST", "/api/v1/tokens", mine, {"name": "ci", "read_only": True}).json()
    office.ask("DELETE", f"/api/v1/tokens/{made['id']}", mine)

    items = office.ask("GET", "/api/v1/audit?limit=2", office.people["operator"]).json()["items"]

    assert [one["action"] for one in items] == ["tokens revoke", "tokens create"]
    assert {one["actor"] for one in items} == {"token:laptop of github:mona"}
    assert {one["source"] for one in items} == {"127.0.0.1"}
    assert all("ci" in one["detail"] and "reading" in one["detail"] for one in items)
