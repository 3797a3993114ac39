"""Health, readiness and metrics."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.operations.services import Services

health = Blueprint("health", __name__)


@health.get("/healthz")
def alive() -> ResponseReturnValue:
    """The process answers; says nothing about the state database."""
    return {"status": "ok"}


@health.get("/readyz")
def ready() -> ResponseReturnValue:
    """The state database answers too, so deliveries can be stored; 503 otherwise."""
    services: Services = current_app.extensions["services"]
    services.queue.waiting()
    return {"status": "ready"}


@health.get("/metrics")
def metrics() -> ResponseReturnValue:
    """What the web processes of this machine counted, and the state as it is now."""
    folder: Path = current_app.extensions["metrics_folder"]
    registry = CollectorRegistry()
    registry.register(StateCollector(current_app.extensions["services"]))
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

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        databases = GaugeMetricFamily("coppice_databases", "Databases by state.", labels=["state"])
        states = Counter(database.state.value for database in self._services.databases.all())
        for state, count in states.items():
            databases.add_metric([state], count)
        yield databases
        jobs = GaugeMetricFamily(
            "coppice_jobs", "Jobs that wait or run, by queue.", labels=["queue"]
        )
        for queue, count in self._services.queue.waiting().items():
            jobs.add_metric([queue], count)
        yield jobs
