"""Commands about runs of the Action: what each did to which database, and its log."""

import time
from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any

import typer
from pydantic import TypeAdapter

from app.cli import which
from app.cli.client import Client
from app.cli.databases import AppOption, BranchOption
from app.cli.output import AsJson, harmless, remark, say, show_record, show_rows
from app.cli.rows import run_record, run_row, trace_rows
from app.cli.target import open_client
from app.cli.which import find_app
from app.core import trace_terms as terms
from app.core.errors import CoppiceError, Forbidden, NotFound
from app.core.runs import MigrationResult
from app.core.traces import Counts, Trace

group = typer.Typer(no_args_is_help=True, help="Runs: what migrated which database, and its log.")

_POLL_SECONDS = 2.0
_WORST = 10

Repo = Annotated[
    str | None,
    typer.Option(
        "--repo", metavar="OWNER/REPO", help="The repository. Default: that of the checkout."
    ),
]
Number = Annotated[
    int | None,
    typer.Argument(
        metavar="RUN",
        help="Its number, from `coppice runs list`. Default: the newest, of the branch that is"
        " checked out where --repo is not given.",
    ),
]


@group.command("list")
def list_(
    *,
    repo: Repo = None,
    branch: BranchOption = None,
    app_id: AppOption = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the newest runs of an app, of all branches or of one."""
    with open_client() as client:
        app = find_app(client, which.repository(repo), app_id=app_id)
        rows = [run_row(one) for one in _newest(client, app, which.branch(branch), most=limit)]
    show_rows(rows, as_json=as_json, empty="No runs yet.")


@group.command()
def show(
    run: Number = None,
    *,
    repo: Repo = None,
    branch: BranchOption = None,
    app_id: AppOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one run, with what it did to each database, and the statements that locked most."""
    with open_client() as client:
        app, found = _find(client, run, repo, branch, app_id)
        traces = [
            {"database": one["database"], **one["trace"], "trace": _trace(client, app, found, one)}
            for one in found["migrations"]
            if one["trace"]["traced"]
        ]
    if as_json:
        show_record({**run_record(found), "traces": traces}, as_json=True)
        return
    show_record(run_record(found), as_json=False)
    for one in traces:
        _show_trace(one)


@group.command()
def watch(
    run: Number = None,
    *,
    repo: Repo = None,
    branch: BranchOption = None,
    app_id: AppOption = None,
) -> None:
    """Wait until a run has ended, and say what it does; ends with 1 when a migration failed."""
    reported = set[str]()
    with open_client() as client:
        app, found = _find(client, run, repo, branch, app_id)
        remark(f"Run {found['id']} of {found['branch'] or 'no branch'}: {found['job_url']}")
        while True:
            for one in found["migrations"]:
                news = f"{one['database']}: {one['result'] or 'running'}"
                if news not in reported:
                    reported.add(news)
                    say(harmless(news))
            if _is_over(found):
                break
            time.sleep(_POLL_SECONDS)
            found = client.get(f"/apps/{app['id']}/runs/{found['id']}")
    if any(one["result"] != MigrationResult.SUCCESS for one in found["migrations"]):
        raise typer.Exit(1)


@group.command()
def logs(
    run: Number = None,
    *,
    repo: Repo = None,
    branch: BranchOption = None,
    app_id: AppOption = None,
) -> None:
    """Print what a run's commands wrote, database by database."""
    with open_client() as client:
        app, found = _find(client, run, repo, branch, app_id)
        for one in found["migrations"]:
            path = f"/apps/{app['id']}/runs/{found['id']}/migrations/{one['id']}/log"
            view = client.get(path)
            for what, text in (("migration", view["log"]), ("seed", view["seed_log"])):
                if text:
                    remark(f"{one['database']}, {what}:")
                    say(harmless(text.rstrip("\n")))


def _find(
    client: Client, run: int | None, repo: str | None, branch: str | None, app_id: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An app, and the run of it that is meant. Raises NotFound."""
    app = find_app(client, which.repository(repo), app_id=app_id)
    if run is not None:
        return app, client.get(f"/apps/{app['id']}/runs/{run}")
    wanted = which.branch(branch)
    if wanted is None and repo is None:
        wanted = which.current_branch()
    for found in _newest(client, app, wanted, most=1):
        return app, found
    of_branch = f" of the branch {wanted}" if wanted else ""
    raise NotFound(
        f"{app['repository']} has no run{of_branch}.", advice="`coppice runs list` shows all."
    )


def _newest(
    client: Client, app: Mapping[str, Any], branch: str | None, *, most: int
) -> list[dict[str, Any]]:
    found = client.items(f"/apps/{app['id']}/runs")
    return list(islice((one for one in found if branch in (None, one["branch"])), most))


def _trace(
    client: Client, app: Mapping[str, Any], run: Mapping[str, Any], migration: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What a migration locked; None for those who may not read its log."""
    path = f"/apps/{app['id']}/runs/{run['id']}/migrations/{migration['id']}/trace"
    try:
        return client.get(path)
    except CoppiceError as error:
        if error.code != Forbidden.code:
            raise
        return None


def _show_trace(view: Mapping[str, Any]) -> None:
    """The worst statements of a migration, and how many there are."""
    counts = TypeAdapter(Counts).validate_python(view)
    say(f"\nLocks of {harmless(view['database'])}: {terms.numbers(counts)}")
    if view["trace"] is None:
        remark("The statements are for those who may write to the repository.")
        return
    trace = TypeAdapter(Trace).validate_python(view["trace"])
    if trace.untraced:
        say(f"{terms.untraced(trace)}: {harmless(trace.untraced)}.")
    rows = trace_rows(trace)
    if rows:
        show_rows(rows[:_WORST], as_json=False, empty="")
    more = view["statements"] - min(_WORST, len(rows))
    if more:
        say(f"And {more} more, of which --json tells all that is known.")


def _is_over(run: Mapping[str, Any]) -> bool:
    """Whether each database that it reaches has its result, or one failed and so no other comes."""
    results = [one["result"] for one in run["migrations"]]
    has_failed = any(one not in (None, MigrationResult.SUCCESS) for one in results)
    return None not in results and (has_failed or len(results) >= len(run["environments"]))
