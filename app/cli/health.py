"""Commands that look at the whole: doctor and reconcile."""

from typing import Annotated

import typer

from app.cli.output import THINGS, AsJson, remark, say, show_remarks, show_rows
from app.cli.target import open_here, open_made
from app.core.errors import NotFound
from app.operations.administration import doctor as doctors
from app.operations.administration.diagnosis import Health
from app.operations.databases import housekeeping, reconciliation


def add_to(program: typer.Typer) -> None:
    program.command(rich_help_panel=THINGS)(doctor)
    program.command(rich_help_panel=THINGS)(reconcile)


def doctor(*, as_json: AsJson = False) -> None:
    """Check everything and say what to do; exit code 1 if something is broken.

    The state database and its keys, the worker, the GitHub App and its webhook, the OIDC issuer,
    the disk, every instance and every database. Mends nothing, and makes no service where there is
    none.
    """
    with open_made() as session:
        from app.machine.surroundings import Machine  # late: it asks over HTTP and PostgreSQL

        found = list(
            doctors.diagnose(
                session.services,
                Machine(session.config, dsn=session.state.dsn),
                settings_warnings=session.config.warnings,
                operators=session.config.operators,
            )
        )
    if as_json:
        keys = ("what", "state", "finding", "advice")
        rows = [(one.what, one.health.value, one.words, one.advice) for one in found]
        show_rows([dict(zip(keys, row, strict=True)) for row in rows], as_json=True, empty="")
    else:
        show_remarks([(one.health.value, f"{one.what}: {one.words}", one.advice) for one in found])
    if any(one.health is Health.BROKEN for one in found):
        raise typer.Exit(1)


def reconcile(
    repo: Annotated[
        str | None, typer.Argument(metavar="OWNER/REPO", help="Default: everything, by the worker.")
    ] = None,
) -> None:
    """Compare with GitHub now: one repository at once, or everything by the worker.

    It also happens by itself, at start and every ten minutes.
    """
    with open_here() as session:
        services = session.services
        if repo is None:
            housekeeping.reconcile_everything(services)
            say("The worker looks at every installation now.")
            return
        repository = services.store.repositories.named(repo)
        if repository is None:
            raise NotFound(
                f"The repository {repo} is not known.",
                advice="`coppice apps list` shows what is assigned.",
            )
        reconciliation.reconcile_repository(services, repository.id)
        say(f"{repo} was compared with GitHub.")
        remark("Databases that it lacks are made by the worker.")
