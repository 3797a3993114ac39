"""Ends of runs and logins: none waits for another, by real workers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from app.operations.runs import reaper
from tests.integration.lifecycle.proxy import Deaf
from tests.integration.lifecycle.working import Worker, wait_until
from tests.integration.lifecycle.world import tenants
from tests.integration.runs.shop import Shop, can_log_in

SOON_SECONDS = 20


@contextmanager
def hanging(shop: Shop, branches: list[str]) -> Iterator[None]:
    """The server of these branches' databases takes connections and says nothing."""
    admin = shop.services.store.instances.named("tenants").admin
    move = "UPDATE databases SET instance_id = (SELECT id FROM instances WHERE name = %s)"
    with Deaf() as server:
        there = tenants(replace(admin, address=replace(admin.address, port=server.port)))
        shop.services.store.instances.add(replace(there, name="hanging"))
        shop.world.state.execute(move + " WHERE branch = ANY(%s)", ["hanging", branches])
        yield
    shop.world.state.execute(move, ["tenants"])


def silence(shop: Shop) -> None:
    """No run has been heard of for long."""
    shop.world.state.execute("UPDATE leases SET expires_at = now() - interval '1 minute'")


def test_a_silent_run_that_cannot_be_ended_keeps_no_other_inside(
    shop: Shop, tmp_path: Path
) -> None:
    stubborn = [f"a{number}" for number in range(3)]
    for branch in [*stubborn, "z"]:
        shop.push(branch)
    given = {branch: shop.job(branch).begun().given("branch") for branch in [*stubborn, "z"]}
    silence(shop)

    with hanging(shop, stubborn), Worker(shop.world.settings, tmp_path / "log"):
        seconds = wait_until(lambda: not can_log_in(given["z"]))

    assert seconds < SOON_SECONDS
    assert can_log_in(given["a0"])


def test_a_login_of_a_completed_job_that_cannot_be_ended_keeps_no_other_inside(
    shop: Shop, tmp_path: Path
) -> None:
    stubborn = [f"a{number}" for number in range(3)]
    for branch in [*stubborn, "z"]:
        shop.push(branch)
    whole = shop.job("z").begun(migrate=False, export_env=True)
    given = whole.given("branch")
    for branch in stubborn:
        job = shop.job(branch).begun(migrate=False, export_env=True)
        job.given("branch")
        shop.github.complete_run(job.run)
    shop.github.complete_run(whole.run)
    shop.github.hook.wait()

    with hanging(shop, stubborn), Worker(shop.world.settings, tmp_path / "log"):
        seconds = wait_until(lambda: not can_log_in(given))

    assert seconds < SOON_SECONDS


def test_what_cannot_be_ended_is_asked_for_once_however_often_the_reaper_looks(shop: Shop) -> None:
    shop.push("x")
    given = shop.job("x").begun().given("branch")
    silence(shop)
    tenants = shop.services.store.instances.named("tenants")
    away = replace(tenants.admin, address=replace(tenants.admin.address, port=1))
    shop.services.store.instances.update(replace(tenants, admin=away))

    for _ in range(3):
        reaper.reap(shop.services)
        shop.world.work()
    assert shop.world.jobs().count("runs:end") == 1

    shop.services.store.instances.update(tenants)
    shop.world.put_retries_forward()
    shop.world.work()
    assert not can_log_in(given)
