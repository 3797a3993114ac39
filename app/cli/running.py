"""The service, run by the command line: what `serve`, `web` and `worker` do."""

import time

import structlog

from app import bootstrap
from app.cli.output import as_called
from app.config import Config
from app.core.errors import TransientError
from app.core.hosts import TwinHost
from app.jobs.worker import run_worker
from app.logs import configure_logging
from app.machine.adoption import adopt
from app.machine.clusters import Clusters
from app.operations.services import Services
from app.processes import serving
from app.settings import load_config

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0


def serve() -> None:
    """Everything on this machine, until a signal comes."""
    config = _configured()
    serving.serve(config, say=_say)


def web() -> None:
    """The web server alone, in this process's place."""
    config = _configured()
    _log_warnings(config)
    serving.become_web(config, say=_say)


def worker(*, says_warnings: bool) -> None:
    """The worker alone, until a signal comes.

    Args:
        says_warnings: Log what is wrong with the settings; `serve` tells it once for all.
    """
    config = _configured()
    if says_warnings:
        _log_warnings(config)
    local = bootstrap.clusters(config)
    with bootstrap.open_state(config) as state:
        _prepare_patiently(state)
        with bootstrap.open_services(config, state, local) as services:
            _claim_host_patiently(services, local)
            run_worker(
                services,
                state.dsn,
                clusters=local,
                on_start=lambda: _say("The worker runs. Ctrl-C stops it."),
            )


def _configured() -> Config:
    config = load_config()
    configure_logging(bootstrap.known_secrets(config))
    return config


def _log_warnings(config: Config) -> None:
    for warning in config.warnings:
        _log.warning("look at the settings", problem=warning)


def _prepare_patiently(state: bootstrap.State) -> None:
    while True:
        try:
            bootstrap.prepare_for_service(state)
        except TransientError as error:
            _log.warning("the state database is down; trying on", problem=str(error))
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _claim_host_patiently(services: Services, local: Clusters) -> None:
    """Wait until nobody else has the id of this machine: its servers would be used twice."""
    is_told = False
    while True:
        try:
            services.store.hosts.sign()
            adopt(services, local)
        except TwinHost as error:
            if not is_told:
                _log.warning("waiting", problem=str(error), advice=error.advice)
            is_told = True
        except TransientError as error:
            _log.warning("the state database is down; trying on", problem=str(error))
        else:
            return
        time.sleep(_RETRY_SECONDS)


def _say(text: str) -> None:
    print(as_called(text), flush=True)
