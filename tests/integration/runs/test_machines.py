"""A run whose database's server stands on another machine than the web server."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from app import bootstrap
from app.config import Config
from app.core import lifecycle
from app.core.databases import DatabaseState
from app.core.queues import DATABASES, queue_of
from app.operations.services import Services
from tests.integration.lifecycle.job_runner import JobRunner, open_job_runner
from tests.integration.runs.shop import Shop, can_log_in, query, refusal

SILENCE = "UPDATE hosts SET seen_at = seen_at - interval '1 hour'"


@dataclass
class Machine:
    """The machine that the server stands on, and its worker."""

    services: Services
    runner: JobRunner


@pytest.fixture
def machine(shop: Shop, tmp_path: Path) -> Iterator[Machine]:
    """The tenants' server is a provisioned one of another data directory than the shop's."""
    settings = shop.world.settings | {"COPPICE_DATA_DIR": str(tmp_path / "other")}
    config = Config.from_environ(settings)
    with ExitStack() as stack:
        state = stack.enter_context(bootstrap.open_state(config))
        clusters = bootstrap.clusters(config)
        services = stack.enter_context(bootstrap.open_services(config, state, clusters))
        services.store.hosts.sign()
        here = services.store.hosts.here
        shop.world.state.execute("UPDATE instances SET kind = 'provisioned', host_id = %s", [here])
        yield Machine(
            services=services,
            runner=stack.enter_context(
                open_job_runner(shop.world.dsn, services, queues=[DATABASES, queue_of(here)])
            ),
        )
        shop.world.state.execute("UPDATE instances SET kind = 'linked', host_id = NULL")


def test_a_run_gets_its_login_as_soon_as_the_machine_of_the_server_has_made_it(
    shop: Shop, machine: Machine
) -> None:
    shop.github.push(shop.repository, "x")
    shop.github.hook.wait()
    machine.runner.run()
    job = shop.job("x").begun()

    early = job.ask("branch")
    machine.runner.run()
    given = job.given("branch")

    assert refusal(early) == (409, "on_another_host")
    assert early.json is not None
    assert early.json["retry_after"] > 0
    assert query(given, "SELECT current_database()::text") == [(given["PGDATABASE"],)]
    assert job.report("branch").status_code == 200
    machine.runner.run()
    assert not can_log_in(given)


@pytest.mark.usefixtures("production_and_preview")
def test_while_that_machine_is_silent_a_run_waits_and_no_state_changes(
    shop: Shop, machine: Machine
) -> None:
    job = shop.job("main").begun()
    shop.world.state.execute(SILENCE)

    refused = job.ask("preview")

    assert refusal(refused) == (409, "on_another_host")
    assert "gave its last sign of life at" in str(refused.json)
    assert shop.database("preview").state is DatabaseState.READY


@pytest.mark.usefixtures("production_and_preview")
def test_a_job_that_the_wrong_machine_took_is_handed_on(shop: Shop, machine: Machine) -> None:
    database = shop.database("preview")
    again = partial(lifecycle.set_up_again, for_person=False, now=shop.services.clock())
    shop.services.store.databases.apply_to(database.id, again)
    shop.world.state.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
        " VALUES ('databases', 'databases:ensure', jsonb_build_object('database_id', %s::bigint))",
        [database.id],
    )
    with open_job_runner(shop.world.dsn, shop.services, queues=[DATABASES]) as wrong:
        wrong.run()
    before = shop.database("preview").state

    machine.runner.run()

    assert before is DatabaseState.CREATING
    assert shop.database("preview").state is DatabaseState.READY


@pytest.mark.usefixtures("production_and_preview")
def test_the_long_lived_login_for_a_run_is_made_there_too(shop: Shop, machine: Machine) -> None:
    job = shop.job("main").begun(migrate=False, credentials="runtime")

    job.ask("preview")
    machine.runner.run()

    assert query(job.given("preview"), "SELECT 1") == [(1,)]
