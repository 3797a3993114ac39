"""`coppice login`: a terminal gets a token when a person has confirmed its code, once."""

from datetime import timedelta
from typing import Any

import pytest

from app.operations.administration import device_logins
from tests.integration.api.office import Office
from tests.integration.browser import Browser


@pytest.fixture
def mona(office: Office) -> Browser:
    """Logged in at the dashboard; may write to the repository."""
    return browser(office, "mona", "write")


def browser(office: Office, login: str, permission: str) -> Browser:
    world = office.world
    user = world.github.grant(world.repository, login, permission)
    key = world.settings["COPPICE_SECRET_KEYS"]
    return Browser(office.url, secret_key=key, login=login, user_id=user.id)


def begin(office: Office) -> dict[str, Any]:
    answer = office.ask("POST", "/api/v1/login/device", None, {"name": "coppice on laptop"})
    assert answer.status_code == 200, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def finish(office: Office, begun: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    code = {"device_code": begun["device_code"]}
    answer = office.ask("POST", "/api/v1/login/device/token", None, code)
    return answer.status_code, answer.json()


def test_a_terminal_acts_as_who_confirmed_its_code(office: Office, mona: Browser) -> None:
    begun = begin(office)
    assert finish(office, begun)[1]["error"] == "authorization_pending"

    typed = begun["user_code"].lower().replace("-", " ")
    asked = mona.send("/login/device", code=typed)
    done = mona.send("/login/device", code=begun["user_code"], answer="confirm")

    assert "coppice on laptop" in asked.text
    assert "127.0.0.1" in asked.text
    assert "Done." in done.text
    status, made = finish(office, begun)
    assert status == 200
    who = office.ask("GET", "/api/v1/whoami", made["secret"]).json()
    assert (who["login"], who["is_operator"], who["read_only"]) == ("mona", False, False)
    assert made["expires_at"] is not None


def test_a_code_gives_one_token(office: Office, mona: Browser) -> None:
    begun = begin(office)
    mona.send("/login/device", code=begun["user_code"], answer="confirm")
    finish(office, begun)

    assert finish(office, begun)[1]["error"] == "expired_token"
    assert mona.send("/login/device", code=begun["user_code"]).status_code == 404


def test_a_refused_terminal_gets_nothing(office: Office, mona: Browser) -> None:
    begun = begin(office)

    mona.send("/login/device", code=begun["user_code"], answer="refuse")

    assert finish(office, begun)[1]["error"] == "access_denied"


def test_the_first_answer_stands(office: Office, mona: Browser) -> None:
    begun = begin(office)
    mona.send("/login/device", code=begun["user_code"], answer="refuse")

    later = browser(office, "hubot", "admin").send(
        "/login/device", code=begun["user_code"], answer="confirm"
    )

    assert later.status_code == 404
    assert finish(office, begun)[1]["error"] == "access_denied"


def test_the_codes_are_not_guessed_for_each_other(office: Office, mona: Browser) -> None:
    begun = begin(office)
    mona.send("/login/device", code=begun["user_code"], answer="confirm")

    guess = {**begun, "device_code": "a" * 40}

    assert finish(office, guess)[1]["error"] == "expired_token"


def test_a_code_does_not_work_for_ever(
    office: Office, mona: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_logins, "LIFETIME", timedelta(0))
    begun = begin(office)

    assert mona.send("/login/device", code=begun["user_code"]).status_code == 404
    assert finish(office, begun)[1]["error"] == "expired_token"


def test_nobody_fills_the_service_with_codes(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_logins, "MOST_FROM_ONE_PLACE", 0)

    answer = office.ask("POST", "/api/v1/login/device", None, {"name": "x"})

    assert (answer.status_code, answer.json()["error"]) == (503, "too_many_logins")


def test_a_page_of_somebody_else_confirms_nothing(office: Office, mona: Browser) -> None:
    begun = begin(office)

    answer = mona._session.post(
        f"{office.url}/login/device", data={"code": begun["user_code"], "answer": "confirm"}
    )

    assert answer.status_code == 403
    assert finish(office, begun)[1]["error"] == "authorization_pending"


def test_a_program_confirms_no_terminal(office: Office) -> None:
    begun = begin(office)

    # With a token the request is believed without a form of ours; it is refused all the same.
    answer = office.ask(
        "POST",
        "/login/device",
        office.people["admin"],
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        data={"code": begun["user_code"], "answer": "confirm"},
    )

    assert answer.status_code == 403
    assert finish(office, begun)[1]["error"] == "authorization_pending"
