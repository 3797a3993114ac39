"""Workflows for the tests, as a user would write them."""

import json
import textwrap
from collections.abc import Mapping

PATH = ".github/workflows/database.yml"

_HEAD = """\
on:
  push:
    branches: ["**"]
  workflow_dispatch:
  merge_group:
  pull_request:
permissions:
  contents: read
  id-token: write
jobs:
  migrate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
"""

_LAST = """\
      - name: Keep the outputs for the test
        if: always()
        env:
          RESULT: ${{ steps.coppice.outputs.result }}
          ENVIRONMENT: ${{ steps.coppice.outputs.environment }}
          DATABASE: ${{ steps.coppice.outputs.database }}
          DATABASES: ${{ steps.coppice.outputs.databases }}
        shell: python
        run: |
          import json, os
          names = ("RESULT", "ENVIRONMENT", "DATABASE", "DATABASES")
          outputs = {name.lower(): os.environ[name] for name in names}
          outputs["databases"] = json.loads(outputs["databases"] or "[]")
          with open(os.environ["OUTPUTS_FILE"], "w") as file:
              json.dump(outputs, file)
"""


def workflow(
    inputs: Mapping[str, str], *, build: str = "", later: str = "", environment: str = ""
) -> str:
    """One job that builds, uses the Action with `inputs`, and runs `later` with its variables."""
    steps = _HEAD.replace(
        "steps:", f"environment: {environment}\n    steps:" if environment else "steps:"
    )
    if build:
        steps += _step(f"run: {json.dumps(build)}")
    given = "\n".join(f"  {name}: {json.dumps(value)}" for name, value in inputs.items())
    steps += _step(f"uses: acme/coppice@v1\nid: coppice\nwith:\n{given}")
    if later:
        steps += _step(f"run: {json.dumps(later)}")
    return steps + _LAST


def _step(text: str) -> str:
    first, *rest = text.split("\n")
    lines = [f"- {first}", *(f"  {line}" for line in rest)]
    return textwrap.indent("\n".join(lines) + "\n", " " * 6)
