"""Asking for what is not to be had: an answer soon, and everybody else goes on."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg import sql

from app.core.instances import AdminLogin
from app.postgres.sessions import admin_login, dsn
from demo.github.faults import slow
from tests.integration.intake.deliveries import headers
from tests.integration.intake.web import Web
from tests.integration.lifecycle.proxy import Proxy
from tests.integration.runs.shop import Shop

Lock = Callable[[dict[str, str]], AbstractContextManager[None]]

# Five seconds of waiting, one for its end, and what a machine under load makes of that.
SOON_SECONDS = 12.0


@pytest.fixture
def web(shop: Shop, tmp_path: Path) -> Iterator[Web]:
    """The shop's service in a real web server."""
    (folder := tmp_path / "web").mkdir()
    with Web({**shop.world.settings, "COPPICE_DATA_DIR": str(folder)}) as started:
        yield started


@pytest.fixture
def lock_login(postgres_superuser: AdminLogin) -> Lock:
    """Change a login, and leave the transaction open, in a session that nobody may end."""

    @contextmanager
    def lock(variables: dict[str, str]) -> Iterator[None]:
        with psycopg.connect(dsn(admin_login(postgres_superuser))) as session:
            change = sql.SQL("ALTER ROLE {} PASSWORD 'mine'")
            session.execute(change.format(sql.Identifier(variables["PGUSER"])))
            yield
            session.rollback()

    return lock


@pytest.fixture
def lock_row(shop: Shop) -> Lock:
    """Another worker has the lock of the database."""

    @contextmanager
    def lock(_: dict[str, str]) -> Iterator[None]:
        with shop.services.store.databases.exclusively(shop.database("branch", "x").id):
            yield

    return lock


def timed(request: Callable[[], Any]) -> tuple[Any, float]:
    started_at = time.monotonic()
    answer = request()
    return answer, time.monotonic() - started_at


def test_sixty_requests_for_a_locked_database_hold_up_neither_deliveries_nor_health(
    shop: Shop, web: Web, lock_login: Lock
) -> None:
    shop.push("x")
    job = shop.job("x", audience=web.url)
    token = shop.github.token_for(job.run, **job.claims)

    def post(path: str, **body: Any) -> requests.Response:
        authorization = {"Authorization": f"Bearer {token}"}
        url = f"{web.url}/api/v1/runs{path}"
        return requests.post(url, json=body, headers=authorization, timeout=60)

    run = post("", migration_command="migrate", job="migrate", step=job.step).json()["run"]
    ask = f"/{run}/databases/branch"
    given = post(ask).json()

    with lock_login(given["variables"]), ThreadPoolExecutor(60) as threads:
        asked = [threads.submit(timed, lambda: post(ask)) for _ in range(60)]
        others = served_meanwhile(shop, web, asked)
        renewed, renewed_in = timed(lambda: post(f"{ask}/renew"))
        answers = [one.result() for one in asked]
    again = post(ask)

    assert {status for status, _ in others} == {200, 202}
    assert max(seconds for _, seconds in others) < 5
    assert (renewed.status_code, renewed_in < 5) == (200, True)
    assert {answer.status_code for answer, _ in answers} == {409}
    assert {answer.json()["error"] for answer, _ in answers} == {"busy"}
    assert all(answer.json()["retry_after"] >= 1 for answer, _ in answers)
    assert max(seconds for _, seconds in answers) < SOON_SECONDS
    assert again.json()["variables"] == given["variables"]


def served_meanwhile(shop: Shop, web: Web, asked: list[Future[Any]]) -> list[tuple[int, float]]:
    """Status and seconds of deliveries and of questions after health, until all have answers."""
    body = json.dumps({"zen": "Keep it logically awesome."}).encode()
    signed = headers(body, event="ping", secret=shop.github.webhook_secret)
    found: list[tuple[int, float]] = []
    while not found or not all(one.done() for one in asked):
        answer, seconds = timed(lambda: web.post(body, signed))
        found.append((answer.status_code, seconds))
        for path in ("/healthz", "/readyz/web"):
            found.append(timed(partial(web.status, path)))
    return found


@pytest.mark.parametrize("busy", ["lock_login", "lock_row"])
def test_a_job_hears_soon_that_its_database_is_busy_and_gets_it_afterwards(
    shop: Shop, busy: str, request: pytest.FixtureRequest
) -> None:
    lock: Lock = request.getfixturevalue(busy)
    shop.push("x")
    job = shop.job("x").begun()
    given = job.given("branch")

    with lock(given):
        answer, seconds = timed(lambda: job.ask("branch"))

    assert (answer.status_code, answer.json["error"]) == (409, "busy")
    assert answer.json["retry_after"] >= 1
    assert seconds < SOON_SECONDS
    assert job.given("branch") == given


def test_a_job_hears_soon_of_a_server_that_hangs(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    instance = shop.services.store.instances.named("tenants")
    address = instance.admin.address
    with Proxy(address.host, address.port) as cable:
        through = replace(instance.admin, address=replace(address, port=cable.port))
        shop.services.store.instances.update(replace(instance, admin=through))
        given = job.given("branch")

        with cable.silent():
            answer, seconds = timed(lambda: job.ask("branch"))
        again = job.given("branch")
        shop.services.store.instances.update(instance)

    assert (answer.status_code, answer.json["error"]) == (409, "busy")
    assert seconds < SOON_SECONDS
    assert again == given


def test_a_job_hears_soon_of_a_server_that_does_not_answer(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        instance = shop.services.store.instances.named("tenants")
        address = replace(instance.admin.address, port=silent.getsockname()[1])
        lost = replace(instance, admin=replace(instance.admin, address=address))
        shop.services.store.instances.update(lost)

        answer, seconds = timed(lambda: job.ask("branch"))
        shop.services.store.instances.update(instance)

    assert (answer.status_code, answer.json["error"]) == (503, "server_unreachable")
    assert seconds < SOON_SECONDS
    assert job.given("branch")["PGDATABASE"] == shop.database("branch", "x").name


def test_a_report_is_taken_in_soon_whatever_the_job_left_open(shop: Shop, lock_login: Lock) -> None:
    shop.push("x")
    job = shop.job("x").begun()

    with lock_login(job.given("branch")):
        answer, seconds = timed(lambda: job.report("branch"))

    assert (answer.status_code, answer.json["fails"]) == (200, False)
    assert seconds < SOON_SECONDS


def test_a_person_hears_soon_that_a_database_is_busy(shop: Shop) -> None:
    shop.push("x")
    database = shop.database("branch", "x")
    shop.world.web.extensions["admin_token"] = "the-token-of-the-operator"
    operator = {"Authorization": "Bearer the-token-of-the-operator"}
    url = f"/api/v1/databases/{database.id}/credentials"

    with shop.services.store.databases.exclusively(database.id):
        answer, seconds = timed(lambda: shop.client.post(url, json={}, headers=operator))

    assert (answer.status_code, answer.json["error"]) == (409, "busy")
    assert seconds < SOON_SECONDS


def test_a_job_waits_for_github_no_longer_than_is_worth_it(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    shop.github.faults.plan(slow(9), times=9, path="/repos/")

    answer, seconds = timed(lambda: job.ask("branch"))
    shop.github.faults.clear()

    assert answer.status_code in {200, 503}
    assert seconds < SOON_SECONDS
