"""Sizes and servers' health, as workers record them for pages that never wait for a server."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.environments import Environment
from app.core.errors import Invalid
from app.core.findings import ServerReport
from app.core.instances import InstanceKind
from app.operations.administration.policies import check_extensions
from app.operations.databases import measuring
from tests.integration.lifecycle.world import World

pytestmark = pytest.mark.own_service

MIB = 1024 * 1024


def measure(world: World) -> None:
    measuring.measure_everything(world.services)
    world.settle()


def test_sizes_of_ready_databases_are_recorded(world: World) -> None:
    world.assign()
    preview = world.shared(Environment.PREVIEW)
    assert preview is not None

    measure(world)

    sizes = world.services.store.measurements.sizes([preview.id])
    assert MIB < sizes[preview.id] < 100 * MIB


def test_a_server_shows_its_version_and_what_the_test_found(world: World) -> None:
    measure(world)

    measured = world.services.store.measurements.of_instance(
        world.services.store.instances.named("tenants").id
    )

    assert measured is not None
    assert measured.version is not None
    assert measured.version.startswith("18")
    assert (measured.problem, measured.free_bytes) == (None, None)
    assert all(finding.message and finding.advice for finding in measured.findings)


def test_a_server_that_is_away_says_so_and_keeps_what_was_known(world: World) -> None:
    measure(world)
    instance = world.services.store.instances.named("tenants")
    address = replace(instance.admin.address, port=1)
    away = replace(instance, admin=replace(instance.admin, address=address))
    world.services.store.instances.update(away)

    measure(world)

    measured = world.services.store.measurements.of_instance(instance.id)
    assert measured is not None
    assert measured.version is not None
    assert measured.problem
    assert measured.advice


def test_a_size_that_stays_the_same_is_recorded_once_a_day(world: World) -> None:
    world.assign()
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    measured = [(0, 8 * MIB), (10, 8 * MIB), (20, 9 * MIB), (30, 9 * MIB), (24 * 60 + 30, 9 * MIB)]
    # Given, not measured: a real server's files also grow by themselves (autovacuum, its caches).
    begun = world.clock()
    for minutes, size in measured:
        world.services.store.measurements.record(
            world.services.store.instances.named("tenants").id,
            at=begun + timedelta(minutes=minutes),
            report=ServerReport(version="18.0", findings=()),
            sizes={production.id: size},
            free_bytes=None,
        )

    history = world.services.store.measurements.history(world.app, since=begun - timedelta(days=9))

    recorded = [(sample.measured_at, sample.size_bytes) for sample in history]
    assert recorded == [
        (begun + timedelta(minutes=minutes), size)
        for minutes, size in (measured[0], measured[2], measured[4])
    ]


def test_old_samples_go_and_the_latest_stays(world: World) -> None:
    world.assign()
    measure(world)
    world.pass_time(days=100)
    since = world.clock() - timedelta(days=365)
    measuring.measure_everything(world.services)
    kept = world.services.store.measurements.history(world.app, since=since)
    world.settle()
    measuring.measure_everything(world.services)

    assert len(kept) == 2  # production's and preview's, though older than what is kept
    assert len(world.services.store.measurements.history(world.app, since=since)) == 2


def test_a_server_of_this_machine_tells_its_room_and_what_its_programs_lack(world: World) -> None:
    linked = world.services.store.instances.named("tenants")
    server = world.clusters.provision("local", listen="127.0.0.1", port=None, tls_host=None)
    world.services.store.hosts.claim()
    local = replace(
        linked,
        name="local",
        kind=InstanceKind.PROVISIONED,
        admin=server.admin,
        host=world.services.store.hosts.here,
    )
    local_id = world.services.store.instances.add(local)

    measure(world)

    measured = world.services.store.measurements.of_instance(local_id)
    assert measured is not None
    assert measured.free_bytes is not None
    assert measured.free_bytes > MIB
    known = {one.name for one in world.services.server_for(local).extensions()}
    assert {name for name in measured.lacks if name in known} == set()
    for name, words in {
        "pageinspect": "Coppice makes the extension pageinspect on no server",
        "plpgsql:mine": "always in the schema pg_catalog",
        **{name: "COPPICE_POSTGRES_BIN" for name in ("postgis", *measured.lacks) if name.islower()},
    }.items():
        with pytest.raises(Invalid) as caught:
            check_extensions(world.services, local, [name])
        assert words in f"{caught.value} {caught.value.advice}"
        assert "administrator" not in f"{caught.value} {caught.value.advice}"
    check_extensions(world.services, local, ["earthdistance", "vector:extensions", "hstore"])
