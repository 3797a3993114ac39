"""Health, readiness and metrics."""

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.core.databases import DatabaseState
from app.core.errors import TransientError
from app.core.queues import QueueTraffic, Traffic, why_not_ready
from app.machine.restarts import read_restarts
from app.operations.services import Services

health = Blueprint("health", __name__)


class StandsStill(TransientError):
    """Nobody does the work that waits."""

    code = "stands_still"
    advice = "See that `coppice worker` runs; `coppice doctor` says more."


@health.get("/healthz")
def alive() -> ResponseReturnValue:
    """The process answers; says nothing about the state database."""
    return {"status": "ok"}


@health.get("/readyz/web")
def web_ready() -> ResponseReturnValue:
    """The state database answers too, so deliveries can be stored; 503 otherwise.

    For what spreads requests over web servers: these take deliveries in also while nobody works.
    """
    services: Services = current_app.extensions["services"]
    services.store.queue.waiting()
    return {"status": "ready"}


@health.get("/readyz")
def ready() -> ResponseReturnValue:
    """The whole service: work goes on too; 503 with the reason when it stands still for long."""
    services: Services = current_app.extensions["services"]
    if reason := why_not_ready(services.store.queue.traffic()):
        raise StandsStill(reason)
    return {"status": "ready"}


@health.get("/metrics")
def metrics() -> ResponseReturnValue:
    """What the web processes of this machine counted, and the state as it is now."""
    folder: Path = current_app.extensions["metrics_folder"]
    registry = CollectorRegistry()
    extensions = current_app.extensions
    registry.register(StateCollector(extensions["services"], extensions["restarts"]))
    text = generate_latest(registry)
    if folder.is_dir():
        shared = CollectorRegistry()
        MultiProcessCollector(shared, path=str(folder))  # type: ignore[no-untyped-call]
        text += generate_latest(shared)
    else:
        text += generate_latest(REGISTRY)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


class StateCollector(Collector):
    """Gauges that are read from the state database when somebody asks."""

    def __init__(self, services: Services, restarts: Path) -> None:
        self._services = services
        self._restarts = restarts

    def collect(self) -> Iterable[Metric]:
        databases = GaugeMetricFamily("coppice_databases", "Databases by state.", labels=["state"])
        states = Counter(database.state.value for database in self._services.store.databases.all())
        # From the start, at zero: what appears with its first value has no increase to alert on.
        for state in DatabaseState:
            if state is not DatabaseState.GONE:
                databases.add_metric([state.value], states[state.value])
        yield databases
        yield from _of_queue(self._services.store.queue.traffic())
        restarts = CounterMetricFamily(
            "coppice_restarts",
            "Parts of serve that ended by themselves and were started again, since it runs.",
            labels=["part"],
        )
        for one in read_restarts(self._restarts):
            restarts.add_metric([one.what], one.count)
        yield restarts


def _of_queue(traffic: Traffic) -> Iterable[Metric]:
    yield GaugeMetricFamily(
        "coppice_workers", "Workers alive; a process counts once a queue.", traffic.workers
    )
    yield GaugeMetricFamily(
        "coppice_jobs_given_up", "Jobs of the last day that were given up.", traffic.failed
    )
    amounts: tuple[tuple[str, str, Callable[[QueueTraffic], float | None]], ...] = (
        ("jobs", "Jobs that wait or run, by queue.", lambda one: one.waiting + one.running),
        ("jobs_running", "Jobs that run, by queue.", lambda one: one.running),
        (
            "jobs_oldest_due_seconds",
            "How long the job that is due longest has waited for a worker, by queue.",
            lambda one: one.oldest_seconds,
        ),
        (
            "jobs_longest_run_seconds",
            "How long the job that runs longest has been running, by queue.",
            lambda one: one.longest_run_seconds,
        ),
        (
            "jobs_silent_seconds",
            "Time since a worker was last given a job, by queue.",
            lambda one: one.silent_seconds,
        ),
    )
    for name, words, amount_of in amounts:
        gauge = GaugeMetricFamily(f"coppice_{name}", words, labels=["queue"])
        for one in traffic.queues:
            if (amount := amount_of(one)) is not None:
                gauge.add_metric([one.name], amount)
        yield gauge
