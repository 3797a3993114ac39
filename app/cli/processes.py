"""Commands that run the service: serve, web, worker."""

from typing import Annotated

import typer

from app.cli.output import remark, say
from app.cli.target import open_here, refuse_elsewhere
from app.core.people import Operate
from app.loading import loading
from app.operations import access
from app.operations.administration import login_links

# What holds the service is imported late, where it is used.


def add_to(program: typer.Typer) -> None:
    for command in (serve, web, worker, login_link):
        program.command(rich_help_panel="Running the service")(command)


def serve() -> None:
    """Run everything on this machine: state database, web server, worker, provisioned instances.

    Needs no setting. Runs until Ctrl-C or SIGTERM.
    """
    refuse_elsewhere()
    with loading():
        from app.cli import running
    running.serve()


def web() -> None:
    """Run the web server alone, for a service that is spread over processes or machines.

    Any number may run on one state database (COPPICE_DATABASE_URL). Without that setting it uses
    the one in the data directory, which it starts if it does not run.
    """
    refuse_elsewhere()
    with loading():
        from app.cli import running
    running.web()


def worker(*, below_serve: Annotated[bool, typer.Option(hidden=True)] = False) -> None:
    """Run the worker alone, for a service that is spread over processes or machines.

    It makes and removes databases and writes check runs. Any number may run on one state database,
    which is found as by `web`.
    """
    refuse_elsewhere()
    with loading():
        from app.cli import running
    running.worker(says_warnings=not below_serve)


def login_link() -> None:
    """Print a link that lets an operator into the dashboard, once, within an hour."""
    with open_here() as session:
        say(login_links.make(access.service(session.services, Operate)))
        from app.machine.data_dir import DataDir

        is_own = session.config.database_url is None
        if is_own and not DataDir(path=session.config.data_dir).is_served():
            remark("No `serve` runs here now: the link works when it does.")
