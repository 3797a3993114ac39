"""The Action's start and end: reads inputs, does the run, writes outputs, sets the exit code."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from action import inputs as step_inputs
from action import messages, outputs, results, summary, verdicts
from action.console import Console
from action.errors import ActionError
from action.identity import Identity, is_fork
from action.interruption import Interrupted, Interruption
from action.limit import Limit
from action.reply import NoDatabase
from action.schedule import answer_primary, migrate_all
from action.service import Service
from action.template import build
from action.transport import Transport
from action.workplace import Workplace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from action.errors import Problem
    from action.inputs import Inputs, Job
    from action.results import Result


def main(environ: Mapping[str, str]) -> int:
    """Do the step and return its exit code."""
    console = Console(sys.stdout.buffer)
    job = step_inputs.read_job(environ)
    interruption = Interruption()
    interruption.listen()
    try:
        if job.token_secret:
            console.mask(job.token_secret)
        return _run(step_inputs.read(environ), job, console=console, interruption=interruption)
    except ActionError as error:
        return _fail(job, error.problem, console=console)
    except Interrupted:
        return _fail(job, messages.cancelled(), console=console)
    except Exception as error:
        console.say(traceback.format_exc())
        return _fail(job, messages.bug(type(error).__name__), console=console)


def _run(inputs: Inputs, job: Job, *, console: Console, interruption: Interruption) -> int:
    if is_fork(job.event_file):
        return _without_database(inputs, job, messages.fork(), console=console)
    transport = Transport(pause=interruption.pause)
    identity = Identity(job, audience=inputs.service_url, transport=transport)
    service = Service(inputs.service_url, identity=identity, transport=transport, console=console)
    run = service.start(inputs, job=job.name, step=secrets.token_hex(16))
    if isinstance(run, NoDatabase):
        problem = messages.no_database(run.message, run.advice)
        return _without_database(inputs, job, problem, console=console)
    place = Workplace(
        inputs=inputs,
        job=job,
        run=run,
        service=service,
        console=console,
        interruption=interruption,
        limit=Limit(inputs.timeout_minutes),
        folder=Path(tempfile.mkdtemp(prefix="coppice-", dir=job.scratch_folder)),
    )
    try:
        return _work(place)
    except ActionError as error:
        return _fail(job, error.problem, console=console, run_url=run.url)
    finally:
        if not inputs.export_env:
            shutil.rmtree(place.folder, ignore_errors=True)


def _work(place: Workplace) -> int:
    _announce(place)
    done = migrate_all(place) if place.inputs.migrate else answer_primary(place)
    return _finish(place, done)


def _announce(place: Workplace) -> None:
    """Say what is going to happen, and show the command before it runs."""
    run, console = place.run, place.console
    names = ", ".join(f"{planned.database} ({planned.environment})" for planned in run.databases)
    console.say(f"App {run.app}, run {run.id}. Databases of this revision: {names}")
    if run.template:
        name = run.template.database
        console.say(f"{results.TEMPLATE}, built last if migrations have changed: {name}")
    if run.url:
        console.say(f"This run on the dashboard: {run.url}")
    if not place.inputs.migrate:
        return
    if not place.command.strip():
        raise ActionError(messages.no_command(run.app))
    source = "the workflow" if place.inputs.migration_command else "the app's assignment"
    console.say(f"Migration command, from {source}:")
    for line in place.command.splitlines():
        console.say(f"  {line}")
    for line in messages.variables(place.inherited):
        console.say(line)


def _finish(place: Workplace, done: Sequence[Result]) -> int:
    overall = results.overall(done)
    primary = place.run.primary_database
    host = next((r.host for r in done if r.planned == primary), "")
    if place.inputs.export_env and overall != results.FAILURE:
        _export(place, done)
    outputs.append(
        place.job.output_file,
        {
            "result": overall,
            "environment": primary.environment,
            "database": primary.database,
            "databases": outputs.describe(done),
            "database-host": host,
            "run-url": place.run.url,
        },
    )
    template = build(place, after=done)
    page = summary.of_results(done, template=template, run_url=place.run.url)
    _summarize(place.job, page, console=place.console)
    place.console.say(f"Result: {overall}.")
    return 1 if overall == results.FAILURE else 0


def _export(place: Workplace, done: Sequence[Result]) -> None:
    """Give the primary database's variables, masked before, to the later steps of the job."""
    primary = next(r for r in done if r.planned.environment == place.run.primary)
    if primary.variables:
        outputs.append(place.job.env_file, primary.variables)
        place.console.say(f"Exported to later steps: {', '.join(sorted(primary.variables))}")
    else:
        problem = verdicts.nothing_to_export(primary.planned.database)
        place.console.warning("Coppice", problem.title)
        place.console.say(problem.text)


def _without_database(inputs: Inputs, job: Job, problem: Problem, *, console: Console) -> int:
    if inputs.fails_without_database:
        return _fail(job, problem, console=console)
    console.notice("Coppice: skipped", problem.title)
    console.say(problem.text)
    _write_end(job, results.SKIPPED, problem, console=console)
    return 0


def _fail(job: Job, problem: Problem, *, console: Console, run_url: str = "") -> int:
    console.problem(problem)
    _write_end(job, results.FAILURE, problem, console=console, run_url=run_url)
    return 1


def _write_end(
    job: Job, result: str, problem: Problem, *, console: Console, run_url: str = ""
) -> None:
    none = dict.fromkeys(("environment", "database", "database-host"), "")
    given = {"result": result, **none, "databases": "[]", "run-url": run_url}
    try:
        outputs.append(job.output_file, given)
    except OSError as error:
        console.say(f"The outputs of this step could not be written: {error.strerror}.")
    _summarize(job, summary.of_problem(problem, run_url=run_url), console=console)


def _summarize(job: Job, page: str, *, console: Console) -> None:
    """Add to the job's summary page. It decides nothing: where that fails, the log says so."""
    try:
        summary.append(job.summary_file, page)
    except OSError as error:
        console.say(f"The summary page could not be written: {error.strerror}.")
