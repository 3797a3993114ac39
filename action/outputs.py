"""What later steps get: outputs and, on request, environment variables."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from action.results import Result

_LINE_ENDS = ("\r", "\n", "\0")


def append(file: Path | None, values: Mapping[str, str]) -> None:
    """Append values to GITHUB_OUTPUT or GITHUB_ENV.

    A value with a line end is refused, and the delimiter is random, so that no value can end its
    own block and begin another. Raises ValueError.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings
    """
    if any(end in text for pair in values.items() for text in pair for end in _LINE_ENDS):
        raise ValueError("a value with a line end cannot be given to later steps")
    if file is None:
        return
    with file.open("a", encoding="utf-8") as stream:
        for name, value in values.items():
            delimiter = f"end-{secrets.token_hex(16)}"
            stream.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def describe(results: Sequence[Result]) -> str:
    """List the databases as JSON; without secrets, since masked outputs vanish between jobs."""
    return json.dumps(
        [
            {
                "environment": result.planned.environment,
                "database": result.planned.database,
                "result": result.result,
                "duration_seconds": round(result.duration_seconds, 3),
                "seed": _seed(result),
            }
            for result in results
        ],
        separators=(",", ":"),
    )


def _seed(result: Result) -> dict[str, object] | None:
    if result.seed is None:
        return None
    return {
        "result": result.seed.result,
        "exit_code": result.seed.exit_code,
        "duration_seconds": round(result.seed.duration_seconds, 3),
    }
