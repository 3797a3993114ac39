"""Limits and claims through the API, by people with the permissions that GitHub says."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest
import requests

from app.core.people import Actor
from app.operations.administration import tokens
from app.operations.administration.tokens import TokenRequest
from tests.integration.lifecycle.world import World


@pytest.fixture
def url(world: World) -> str:
    world.assign()
    world.services.store.hosts.sign()
    with psycopg.connect(world.dsn, options="-c search_path=coppice") as session:
        # As if Coppice had provisioned it: only such are handed over.
        here = world.services.store.hosts.here
        session.execute("UPDATE instances SET kind = 'provisioned', host_id = %s", [here])
    return (world.github.webhook_url or "").replace("/webhooks/github", "/api/v1")


def person(world: World, login: str, permission: str) -> str:
    """A token of an account with that permission on the repository."""
    user = world.github.grant(world.repository, login, permission)
    actor = Actor(name=f"github:{login}", login=login, user_id=user.id)
    services = world.services.acting_as(actor, source="192.0.2.7")
    return tokens.make(services, TokenRequest(name="test"))[1]


def operator(world: World) -> str:
    return tokens.make(world.services, TokenRequest(name="test"))[1]


def ask(method: str, url: str, token: str, body: dict[str, Any] | None = None) -> requests.Response:
    return requests.request(
        method, url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=20
    )


def link_secret(world: World, url: str, **limits: int) -> str:
    answer = ask("POST", f"{url}/instances/tenants/claim-link", operator(world), {"limits": limits})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["link"]).rpartition("/")[2]


def test_an_operator_limits_and_everybody_sees_it(world: World, url: str) -> None:
    changed = ask("PUT", f"{url}/instances/tenants/limits", operator(world), {"databases": 20})
    shown = ask("GET", f"{url}/instances/tenants", person(world, "reader", "read"))

    assert changed.status_code == 200
    assert shown.json()["limits"]["databases"] == 20
    assert shown.json()["administration"] is None


@pytest.mark.parametrize("permission", ["read", "admin"])
def test_nobody_else_limits_or_offers(world: World, url: str, permission: str) -> None:
    token = person(world, "mona", permission)

    answers = [
        ask("PUT", f"{url}/instances/tenants/limits", token, {}),
        ask("POST", f"{url}/instances/tenants/claim-link", token, {}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]


def test_an_admin_claims_and_runs_the_instance_from_then_on(world: World, url: str) -> None:
    secret, token = link_secret(world, url, databases=50), person(world, "mona", "admin")
    before = ask("POST", f"{url}/instances/tenants/test", token)

    claimed = ask("POST", f"{url}/claims", token, {"secret": secret})
    after = ask("POST", f"{url}/instances/tenants/test", token)

    assert before.status_code == 403
    assert (claimed.status_code, claimed.json()["owner"]) == (200, "mona")
    assert claimed.json()["limits"]["databases"] == 50
    assert claimed.json()["administration"] is not None
    assert after.status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"url": "postgresql://a:b@127.0.0.1:22/postgres"},
        {"pooler": {"host": "127.0.0.1", "port": 22}},
    ],
)
def test_the_owner_sends_the_service_nowhere(
    world: World, url: str, change: dict[str, Any]
) -> None:
    secret, token = link_secret(world, url), person(world, "mona", "admin")
    ask("POST", f"{url}/claims", token, {"secret": secret})
    pooler = {"host": "127.0.0.1", "port": 6432}
    ask("PATCH", f"{url}/instances/tenants", operator(world), {"pooler": pooler})

    refused = ask("PATCH", f"{url}/instances/tenants", token, change)
    edited = ask(
        "PATCH",
        f"{url}/instances/tenants",
        token,
        {"public_host": "db.example.com", "pooler": pooler},
    )

    assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
    assert (edited.status_code, edited.json()["public_address"]["host"]) == (200, "db.example.com")


def test_the_owner_does_not_give_themselves_more(world: World, url: str) -> None:
    secret, token = link_secret(world, url, databases=3), person(world, "mona", "admin")
    ask("POST", f"{url}/claims", token, {"secret": secret})

    answer = ask("PUT", f"{url}/instances/tenants/limits", token, {})

    assert answer.status_code == 403


def test_a_link_tells_what_it_is_for_and_stays_valid(world: World, url: str) -> None:
    secret, token = link_secret(world, url, databases=50), person(world, "mona", "admin")

    shown = [ask("POST", f"{url}/claims/preview", token, {"secret": secret}) for _ in range(2)]
    claimed = ask("POST", f"{url}/claims", token, {"secret": secret})
    late = ask("POST", f"{url}/claims/preview", token, {"secret": secret})

    assert [answer.status_code for answer in shown] == [200, 200]
    assert shown[0].json()["instance"] == "tenants"
    assert shown[0].json()["limits"]["databases"] == 50
    assert claimed.status_code == 200
    assert (late.status_code, late.json()["error"]) == (404, "unknown_claim_link")


def test_the_app_tells_its_readers_of_the_limits(world: World, url: str) -> None:
    [app] = world.services.store.apps.assignments()
    ask("PUT", f"{url}/instances/tenants/limits", operator(world), {"databases": 20})

    shown = ask("GET", f"{url}/apps/{app.app.id}", person(world, "reader", "read"))

    assert shown.json()["limits"]["databases"] == 20


@pytest.mark.parametrize("permission", ["none", "read", "write", "maintain"])
def test_less_than_admin_claims_nothing(world: World, url: str, permission: str) -> None:
    secret = link_secret(world, url)

    answer = ask("POST", f"{url}/claims", person(world, "mona", permission), {"secret": secret})

    assert answer.status_code == 403
    assert world.services.store.handovers.of_instance(
        world.services.store.instances.named("tenants").id
    )
    assert ask("POST", f"{url}/claims", person(world, "owner", "admin"), {"secret": secret}).ok


def test_a_used_link_is_unknown_to_the_next(world: World, url: str) -> None:
    secret = link_secret(world, url)
    ask("POST", f"{url}/claims", person(world, "mona", "admin"), {"secret": secret})

    answer = ask("POST", f"{url}/claims", person(world, "hubot", "admin"), {"secret": secret})

    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_claim_link")


def test_an_operator_without_an_account_cannot_claim(world: World, url: str) -> None:
    secret = link_secret(world, url)

    answer = ask("POST", f"{url}/claims", operator(world), {"secret": secret})

    assert answer.status_code == 403


def test_an_owner_hears_nothing_of_others_on_the_same_server(world: World, url: str) -> None:
    services = world.services
    services.store.instances.add(
        replace(services.store.instances.named("tenants"), name="of-others")
    )
    owner = person(world, "mona", "admin")
    ask("POST", f"{url}/claims", owner, {"secret": link_secret(world, url)})

    said = {
        token: [
            ask("POST", f"{url}/instances/tenants/test", token).text,
            ask("GET", f"{url}/instances/tenants/health", token).text,
            ask("GET", url.replace("/api/v1", "/instances/tenants"), token).text,
        ]
        for token in (owner, operator(world))
    }

    assert [["of-others" in text for text in texts] for texts in said.values()] == [
        [False, False, False],
        [True, True, True],
    ]
