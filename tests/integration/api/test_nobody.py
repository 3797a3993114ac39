"""What the service answers to those who prove nothing: no route may be forgotten here."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from app import bootstrap
from app.config import Config
from app.store.vault import new_key
from app.web.application import create_app

# What anybody may ask for. Whoever adds a route to this list says why it is safe there.
PUBLIC = {
    "static": "style and script of the pages",
    "webhooks.receive": "believed for its signature",
    "health.alive": "says nothing",
    "health.ready": "says nothing",
    "health.web_ready": "says nothing",
    "health.metrics": "numbers, no names",
    "description.openapi": "what the API takes",
    "description.page": "the same for people",
    "login_pages.show": "says how to get in",
    "login_pages.begin": "sends the browser to GitHub",
    "login_pages.finish": "believed for what GitHub says of the code in it",
    "login_pages.show_link": "asks whether to log in by the link",
    "login_pages.use_link": "believed for the secret in it",
    "login_pages.log_out": "takes a session away",
    "setup_pages.created": "believed for what the session remembers, then for who it is",
    "login.begin": "a terminal gets a code that a person must confirm",
    "login.finish": "believed for that code",
}


@pytest.fixture(scope="module")
def application(state_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Without a state database: who is refused is refused before anything is looked up."""
    config = Config.from_environ(
        {
            "COPPICE_DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/none",
            "COPPICE_SECRET_KEYS": new_key(),
            "COPPICE_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        }
    )
    local = bootstrap.clusters(config)
    with (
        bootstrap.open_state(config) as state,
        bootstrap.open_services(config, state, local) as services,
    ):
        yield create_app(services, config, local)


def private_routes(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, method and an address that it answers to."""
    found = []
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<int:\w+>", "1", rule.rule)
        address = re.sub(r"<\w+>", "a1", address)
        found += [
            (rule.endpoint, method, address)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            if rule.endpoint not in PUBLIC
        ]
    return found


def test_there_are_private_routes_to_look_at(application: Flask) -> None:
    assert len(private_routes(application)) > 30


def test_every_route_of_the_api_refuses_nobody(application: Flask) -> None:
    client = application.test_client()
    routes = [route for route in private_routes(application) if route[2].startswith("/api/")]

    answers = {
        f"{method} {address}": client.open(address, method=method, json={"x": 1})
        for _, method, address in routes
    }

    assert {what: answer.status_code for what, answer in answers.items()} == dict.fromkeys(
        answers, 401
    )
    assert {answer.get_json()["error"] for answer in answers.values()} == {"unauthorized"}


def test_every_page_sends_nobody_to_the_log_in(application: Flask) -> None:
    client = application.test_client()
    routes = [route for route in private_routes(application) if not route[2].startswith("/api/")]

    answers = {
        f"{method} {address}": client.open(address, method=method, headers={"Accept": "text/html"})
        for _, method, address in routes
    }

    for what, answer in answers.items():
        # A form is refused before anybody asks who sends it: it is not from a page of ours.
        is_sent_away = answer.status_code == 302 and answer.location.startswith("/login?")
        assert is_sent_away or answer.status_code in {401, 403}, what


def test_the_description_lists_every_route_of_the_api(application: Flask) -> None:
    served = {
        rule.rule.replace("<int:", "{").replace("<", "{").replace(">", "}")
        for rule in application.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
    }

    described = application.test_client().get("/api/openapi.json").get_json()

    assert set(described["paths"]) == served
    assert served


def test_the_public_routes_are_there(application: Flask) -> None:
    assert {rule.endpoint for rule in application.url_map.iter_rules()} >= PUBLIC.keys()


def test_an_unknown_token_is_refused_in_words(application: Flask) -> None:
    answer = application.test_client().get(
        "/api/v1/whoami", headers={"Authorization": "Basic bW9uYTpsaXNh"}
    )

    assert answer.status_code == 401
    assert answer.get_json()["error"] == "unauthorized"
