"""The API as commands of this machine ask it: for whom is said by the code alone."""

from inspect import signature

import pytest

from app.core.errors import Forbidden, Unauthorized
from app.core.people import OPERATOR
from app.web import identity
from app.web.application import create_app
from app.web.inside import ApiInside
from tests.integration.api.office import Office

# What requests, proxies and web servers carry to say who somebody is; and words of our own code.
CLAIMS = [
    *("REMOTE_USER", "AUTH_TYPE", "HTTP_X_REMOTE_USER", "HTTP_X_FORWARDED_USER", "HTTP_X_ACTOR"),
    *("HTTP_ACTOR", "actor", "coppice.actor", "werkzeug.actor", "flask.actor", "wsgi.actor"),
    *("services", "HTTP_COOKIE", "HTTP_X_API_KEY"),
]


def inside(office: Office, role: str) -> ApiInside:
    services = office.world.services
    actor = office.actor(role)
    return ApiInside(services, office.world.clusters, actor=actor, source="here")


def test_the_actor_is_who_the_code_says(office: Office) -> None:
    app_id = office.new_app()

    operators, readers, strangers = (inside(office, each) for each in ("operator", "read", "none"))

    assert operators.ask("GET", "/api/v1/whoami")[1]["actor"] == "operator"
    assert readers.ask("GET", "/api/v1/whoami")[1]["actor"] == "github:read-person"
    assert readers.ask("GET", f"/api/v1/apps/{app_id}")[0] == 200
    assert strangers.ask("GET", "/api/v1/apps")[1] == {"items": []}
    with pytest.raises(Forbidden):
        readers.ask("GET", "/api/v1/audit")
    with pytest.raises(Forbidden):
        readers.ask("DELETE", f"/api/v1/apps/{app_id}")


def test_what_is_done_is_written_down_with_the_source(office: Office) -> None:
    app_id = office.new_app()

    inside(office, "operator").ask("DELETE", f"/api/v1/apps/{app_id}")

    [last] = office.world.services.store.audit.latest(limit=1, before=None, containing=app_id)
    assert (last.actor, last.source) == ("operator", "here")


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_request_to_the_served_application_says_who_sends_it(office: Office, claim: str) -> None:
    inside(office, "operator").ask("GET", "/api/v1/whoami")  # in the same process
    client = office.world.web.test_client(use_cookies=False)

    for value in ("operator", *([] if claim.startswith("HTTP_") else [OPERATOR])):
        answer = client.get(
            "/api/v1/whoami", environ_overrides={claim: value}, headers={"Accept": "*/*"}
        )

        assert (answer.status_code, answer.get_json()["error"]) == (401, Unauthorized.code)


def test_the_served_application_cannot_be_made_for_somebody(office: Office) -> None:
    assert "actor" not in office.world.web.extensions
    assert list(signature(create_app).parameters) == ["services", "config", "clusters"]
    with office.world.web.test_request_context("/api/v1/whoami"), pytest.raises(Unauthorized):
        identity.acting()
