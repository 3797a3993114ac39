"""The rules of an assignment, as options of `apps assign` and `apps edit`."""

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

_RULES = "Rules"

Ignore = Annotated[
    list[str] | None,
    typer.Option(
        help="Branch pattern that gets no database; may be repeated.", rich_help_panel=_RULES
    ),
]
Preview = Annotated[
    PreviewPolicy | None,
    typer.Option(help="Who migrates the shared preview database.", rich_help_panel=_RULES),
]
OnPreviewFailure = Annotated[
    PreviewFailure | None,
    typer.Option(
        help="Rebuild preview empty when it fails on the default branch, or keep it.",
        rich_help_panel=_RULES,
    ),
]
Extension = Annotated[
    list[str] | None,
    typer.Option(
        help="Extension to create in each database; may be repeated.", rich_help_panel=_RULES
    ),
]
ProductionEnvironment = Annotated[
    str | None,
    typer.Option(help="GitHub environment that jobs need for production.", rich_help_panel=_RULES),
]
AllowWorkflow = Annotated[
    list[str] | None,
    typer.Option(
        help="Reusable workflow that may get production: owner/repo/path@commit; may be repeated.",
        rich_help_panel=_RULES,
    ),
]
Runners = Annotated[
    RunnerPolicy | None,
    typer.Option(help="Runners that may get production.", rich_help_panel=_RULES),
]
Bots = Annotated[
    BotPolicy | None,
    typer.Option(help="Bots whose runs may get production.", rich_help_panel=_RULES),
]
RuntimeProduction = Annotated[
    bool | None,
    typer.Option(
        "--runtime-production/--no-runtime-production",
        help="Let jobs ask for production's long-lived login.",
        rich_help_panel=_RULES,
    ),
]
Log = Annotated[
    LogPolicy | None,
    typer.Option(help="Show logs in checks of public repositories too.", rich_help_panel=_RULES),
]
SeedCommand = Annotated[
    str | None,
    typer.Option(
        help="Run once for each new database after its first migration, unless the workflow gives"
        " its own; '' ends that.",
    ),
]
SeedProduction = Annotated[
    bool | None,
    typer.Option(
        "--seed-production/--no-seed-production",
        help="Let the seed command run on production too.",
        rich_help_panel=_RULES,
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
