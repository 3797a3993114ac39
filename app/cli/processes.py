"""Commands that run the service: serve, web, worker."""

import time

import structlog
import typer

from app import bootstrap
from app.cli.output import say
from app.cli.session import open_session
from app.config import Config
from app.core.errors import TransientError
from app.jobs.worker import run_worker
from app.logs import configure_logging
from app.operations.administration import login_links
from app.processes import serving

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0


def add_to(program: typer.Typer) -> None:
    for command in (serve, web, worker, login_link):
        program.command(rich_help_panel="Running the service")(command)


def serve() -> None:
    """Run everything on this machine: state database, web server, worker, provisioned instances.

    Needs no setting. Runs until Ctrl-C or SIGTERM.
    """
    config = _configured()
    serving.serve(config, say=_say)


def web() -> None:
    """Run the web server alone, for a service that is spread over processes or machines.

    Any number may run on one state database (COPPICE_DATABASE_URL). Without that setting it uses
    the one in the data directory, which it starts if it does not run.
    """
    config = _configured()
    _log_warnings(config)
    serving.become_web(config, say=_say)


def worker() -> None:
    """Run the worker alone, for a service that is spread over processes or machines.

    It makes and removes databases and writes check runs. Any number may run on one state database,
    which is found as by `web`.
    """
    config = _configured()
    _log_warnings(config)
    local = bootstrap.clusters(config)
    with bootstrap.open_state(config) as state:
        _prepare_patiently(state)
        with bootstrap.open_services(config, state, local) as services:
            run_worker(
                services,
                state.dsn,
                on_start=lambda: _say("The worker runs. Ctrl-C stops it."),
            )


def login_link() -> None:
    """Print a link that lets an operator into the dashboard, once, within an hour."""
    with open_session() as session:
        say(login_links.make(session.services))


def _configured() -> Config:
    config = bootstrap.load_config()
    configure_logging(bootstrap.known_secrets(config))
    return config


def _log_warnings(config: Config) -> None:
    for warning in config.warnings:
        _log.warning("look at the settings", problem=warning)


def _prepare_patiently(state: bootstrap.State) -> None:
    while True:
        try:
            bootstrap.prepare_state(state)
        except TransientError as error:
            _log.warning("the state database is down; trying on", problem=str(error))
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _say(text: str) -> None:
    print(text, flush=True)
