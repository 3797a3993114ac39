"""The rules of an assignment, as options of `coppice apps assign` and `coppice apps edit`."""

from dataclasses import replace
from typing import Annotated, Any

import typer

from app.core.assignments import (
    BotPolicy,
    LogPolicy,
    Policies,
    PreviewFailure,
    PreviewPolicy,
    RunnerPolicy,
)

Ignore = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Branches that get no database, as in 'tmp/**' (written as in a workflow's"
        " `branches`). May be repeated. Default: every branch gets one.",
    ),
]
Preview = Annotated[
    PreviewPolicy | None,
    typer.Option(
        help="Who migrates the shared preview database. `shared` (default): every branch, beside"
        " its own. `default-branch`: that one alone, before production. `off`: nobody.",
    ),
]
OnPreviewFailure = Annotated[
    PreviewFailure | None,
    typer.Option(
        help="When preview fails on the default branch. `rebuild` (default): empty it and migrate"
        " it once more; only a second failure stops production. `keep`: leave it; the failure stops"
        " production.",
    ),
]
Extension = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[:SCHEMA]",
        help="Extension to create in each database, with what it requires, as in pg_trgm, or in a"
        " schema of its own, as in vector:extensions; the server must have it. May be repeated."
        " Default: none.",
    ),
]
ProductionEnvironment = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="GitHub environment that a job must run in (`environment:`) to get production."
        " Default: it needs none.",
    ),
]
AllowWorkflow = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORKFLOW",
        help="Reusable workflow of another repository that may get production, as"
        " owner/repo/.github/workflows/file.yml@COMMIT (40 digits). May be repeated. Default: only"
        " the repository's own workflows, on the default branch.",
    ),
]
Runners = Annotated[
    RunnerPolicy | None,
    typer.Option(
        help="Runners that may get production. `any` (default): self-hosted ones too."
        " `github-hosted`: those alone.",
    ),
]
Bots = Annotated[
    BotPolicy | None,
    typer.Option(
        help="Bots whose runs may get production. `no-dependabot` (default): all but Dependabot."
        " `all`: Dependabot too. `none`: people's runs alone.",
    ),
]
RuntimeProduction = Annotated[
    bool | None,
    typer.Option(
        "--runtime-production/--no-runtime-production",
        help="Whether jobs that may have production may also have its long-lived login"
        " (`credentials: runtime`), as a deployment needs it. Default: no.",
    ),
]
Log = Annotated[
    LogPolicy | None,
    typer.Option(
        help="Where check runs show the end of a migration's log. `private` (default): on private"
        " repositories only, on public ones they link to the job. `public`: on public ones too,"
        " where everybody can read it.",
    ),
]
SeedCommand = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND",
        help="Run once for each new database after its first migration, unless the workflow gives"
        " its own; '' ends that. Default: none.",
    ),
]
SeedProduction = Annotated[
    bool | None,
    typer.Option(
        "--seed-production/--no-seed-production",
        help="Whether the seed command runs on production too. Default: no.",
    ),
]
LockTimeout = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="How long a migration's sessions wait for a lock, as in 30s, on all databases of the"
        " app; '' ends that. Recommended where an application is in use: who waits for a lock makes"
        " everybody wait who comes later. Default: as long as it takes.",
    ),
]


def policies_with(before: Policies, **given: Any) -> Policies:
    """The policies with what was given on the command line put in."""
    changes: dict[str, Any] = {
        name: tuple(item for item in value if item) if isinstance(value, list) else value
        for name, value in given.items()
        if value is not None
    }
    return replace(before, **changes)
