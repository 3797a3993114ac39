"""The workflow file that an app needs, whole, made from what is known of it."""

import re
from dataclasses import dataclass

from app.core.identifiers import AppId, BranchName

ACTION = "acme/coppice@v1"
"""What workflows use unless the service is set up with a fork or a mirror."""
EXAMPLE_COMMAND = "npx prisma migrate deploy"

_TEXT = """\
name: {name}
on:
  push:
    branches: ["**"]
  workflow_dispatch:
  merge_group:
permissions:
  contents: read
  id-token: write
jobs:
  migrate:
{job}
    steps:
      - uses: actions/checkout@v5
      # Here goes what your migrations need, for instance: - run: npm ci
      - uses: {action}
        with:
{inputs}
"""
_OWN_RUNNER = """\
    # A runner on the machine of the database server: no other machine reaches that.
    runs-on: self-hosted"""
_HOSTED_RUNNER = "    runs-on: ubuntu-latest"

# What YAML reads as text without quotation marks: https://yaml.org/spec/1.2.2/#733-plain-style
_PLAIN = re.compile(r"[A-Za-z/](?:[\w ./@=,+&|()$-]|:(?=[^ ]))*", re.ASCII)
_NO_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFile:
    """What is known of an app's workflow."""

    action: str
    """`OWNER/REPO@REF`, as `uses:` has it."""
    service_url: str
    app_id: AppId
    is_first_app: bool
    """Of its repository: its checks and its workflow have plain names."""
    needs_app: bool
    """The repository has several apps, so the workflow says which one it means."""
    migration_command: str = ""
    """Empty: it is not known, and the file holds an example that says so."""
    production_environment: str = ""
    """The GitHub environment that a job must have for production; empty: none."""
    default_branch: BranchName
    is_for_this_machine_only: bool = False
    """Runners elsewhere do not reach the database server."""

    @property
    def path(self) -> str:
        """Where in the repository the file belongs; every app has one of its own."""
        name = "database" if self.is_first_app else f"database-{self.app_id}"
        return f".github/workflows/{name}.yml"

    @property
    def text(self) -> str:
        """The whole file. Pure; YAML whatever the names hold."""
        name = "database" if self.is_first_app else f"database ({self.app_id})"
        return _TEXT.format(
            name=name, job="\n".join(self._job()), action=self.action, inputs=self.inputs
        )

    @property
    def inputs(self) -> str:
        """What stands below `with:`, indented."""
        lines = [f"service-url: {_scalar(self.service_url)}"]
        if self.needs_app:
            lines.append(app_line(self.app_id))
        return "\n".join(f"          {line}" for line in [*lines, *self._command()])

    def _job(self) -> list[str]:
        lines = [_OWN_RUNNER if self.is_for_this_machine_only else _HOSTED_RUNNER]
        if self.production_environment:
            ref = _expression(f"refs/heads/{self.default_branch}")
            wanted = _expression(self.production_environment)
            expression = f"${{{{ github.ref == {ref} && {wanted} || '' }}}}"
            lines.append(f"    environment: {_quoted(expression)}")
        return lines

    def _command(self) -> list[str]:
        command = self.migration_command
        if not command:
            return [
                "# Write your own command here.",
                f"migration-command: {_scalar(EXAMPLE_COMMAND)}",
            ]
        if "${{" in command:
            return ["# The migration command is the one of the assignment."]
        if "\n" in command and _is_block(command):
            return ["migration-command: |-", *(f"  {line}" for line in command.split("\n"))]
        return [f"migration-command: {_scalar(command)}"]


def app_line(app_id: AppId) -> str:
    """What stands below `with:` so that a workflow means this app."""
    # In quotation marks always: some ids look like numbers, 3e4567 and 0123 among them.
    return f'app: "{app_id}"'


def is_action(text: str) -> bool:
    """Whether `uses:` takes it: `OWNER/REPO@REF`, perhaps with a folder in the repository.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsuses
    """
    return re.fullmatch(r"[\w.-]+/[\w.-]+(/[\w.-]+)*@[\w./-]+", text, re.ASCII) is not None


def _scalar(text: str) -> str:
    is_plain = _PLAIN.fullmatch(text) and not text.endswith(" ") and text.lower() not in _NO_TEXT
    return text if is_plain else _quoted(text)


def _quoted(text: str) -> str:
    """In quotation marks: https://yaml.org/spec/1.2.2/#731-double-quoted-style."""
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", shown) + '"'


def _is_block(text: str) -> bool:
    lines = text.split("\n")
    is_even = all(line == line.rstrip() and (line.isprintable() or "\t" in line) for line in lines)
    return is_even and not text.startswith((" ", "\t")) and "\r" not in text and bool(lines[0])


def _expression(text: str) -> str:
    """A string of GitHub's expressions.

    https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#literals
    """
    return "'" + text.replace("'", "''") + "'"
