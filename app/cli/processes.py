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
    """Run everything: PostgreSQL of our own where needed, the web server and the worker."""
    config = _configured()
    serving.serve(config, say=_say)


def web() -> None:
    """Run the web server alone; needs COPPICE_DATABASE_URL or a running `serve`."""
    config = _configured()
    _offer_link(config)
    serving.become_web(config)


def worker() -> None:
    """Run the worker alone; any number may run, on any machines."""
    config = _configured()
    local = bootstrap.clusters(config)
    with bootstrap.open_state(config) as state:
        _prepare_patiently(state)
        with bootstrap.open_services(config, state, local) as services:
            run_worker(services, state.dsn)


def login_link() -> None:
    """Print a link that lets an operator into the dashboard, once, within an hour."""
    with open_session() as session:
        say(login_links.make(session.services))


def _configured() -> Config:
    config = bootstrap.load_config()
    configure_logging(bootstrap.known_secrets(config))
    return config


def _offer_link(config: Config) -> None:
    """Say how an operator gets in, where nobody can log in through GitHub yet."""
    try:
        with bootstrap.open_state(config) as state:
            bootstrap.prepare_state(state)
            link = serving.first_way_in(config, state)
    except TransientError as error:
        _log.warning("no link for the operator yet", problem=str(error))
    else:
        if link is not None:
            _say(f"Log in as operator (once, within an hour): {link}")


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
