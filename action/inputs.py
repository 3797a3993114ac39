"""The step's inputs and the job's surroundings. The only reader of the environment."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from action import messages
from action.errors import ActionError
from action.user_command import Names, complaint, names_in

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "COPPICE_INPUT_"
LONGEST_COMMAND_BYTES = 10_000
ENVIRONMENTS = ("production", "branch", "preview")
_APP = re.compile(r"[a-z0-9]{2,16}")
_URL = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*)?")


@dataclass(frozen=True)
class Inputs:
    """What the workflow asked for, validated."""

    service_url: str
    """Without a trailing slash: also the audience of the job's token."""
    migration_command: str
    seed_command: str
    migrate: bool
    app: str
    environments: tuple[str, ...]
    directory: Path
    export_env: bool
    credentials: str
    credentials_minutes: int
    timeout_minutes: int
    max_parallel: int
    fails_without_database: bool
    template: bool
    """Whether a run on the default branch builds the template that new branches are cloned from."""
    template_timeout_minutes: int
    trace: str
    """Which databases' commands are traced, by the words of the assignment's rule; or `auto`."""
    names: Names


@dataclass(frozen=True)
class Job:
    """What the runner says about the job, and where it reads our answers."""

    name: str
    event_file: Path | None
    output_file: Path | None
    env_file: Path | None
    summary_file: Path | None
    scratch_folder: Path
    token_url: str
    token_secret: str = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)
    """Everything that a command of this job would inherit."""


class _Reader:
    """Reads inputs one by one and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        variable = PREFIX + name.upper().replace("-", "_")
        return self._environ.get(variable, "").strip() or default

    def complain(self, name: str, what: str) -> None:
        self.problems.append(f"`{name}` {what}")

    def boolean(self, name: str, *, default: str) -> bool:
        value = self.text(name, default).lower()
        if value not in ("true", "false"):
            self.complain(name, "must be true or false")
        return value == "true"

    def whole_number(self, name: str, *, default: int, most: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= most:
            self.complain(name, f"must be a whole number from 1 to {most}")
            return default
        return int(value)

    def choice(self, name: str, *allowed: str) -> str:
        value = self.text(name, allowed[0])
        if value not in allowed:
            *others, last = allowed
            self.complain(name, f"must be {', '.join(others)} or {last}")
        return value

    def matching(self, name: str, pattern: re.Pattern[str], what: str) -> str:
        value = self.text(name)
        if value and not pattern.fullmatch(value):
            self.complain(name, what)
        return value


def surroundings() -> dict[str, str]:
    """Copy the environment of this process."""
    return dict(os.environ)


def read(environ: Mapping[str, str]) -> Inputs:
    """Validate the inputs.

    Raises ActionError naming every wrong input, so that one run is enough to correct them all.
    """
    reader = _Reader(environ)
    inputs = Inputs(
        service_url=_service_url(reader),
        migration_command=_command(reader, reader.text("migration-command"), "migration-command"),
        seed_command=_command(reader, reader.text("seed-command"), "seed-command"),
        migrate=reader.boolean("migrate", default="true"),
        app=reader.matching("app", _APP, "must be an app's id: 2 to 16 of a-z and 0-9"),
        environments=_environments(reader),
        directory=_directory(reader, workspace=environ.get("GITHUB_WORKSPACE") or "."),
        export_env=reader.boolean("export-env", default="false"),
        credentials=reader.choice("credentials", "job", "runtime"),
        credentials_minutes=reader.whole_number("credentials-minutes", default=60, most=360),
        timeout_minutes=reader.whole_number("timeout-minutes", default=30, most=360),
        max_parallel=reader.whole_number("max-parallel", default=1, most=16),
        fails_without_database=reader.choice("on-no-database", "skip", "fail") == "fail",
        template=reader.boolean("template", default="true"),
        template_timeout_minutes=reader.whole_number(
            "template-timeout-minutes", default=10, most=360
        ),
        trace=reader.choice("trace", "auto", "branches", "all", "off"),
        names=_names(reader),
    )
    if reader.problems:
        raise ActionError(messages.wrong_inputs(reader.problems))
    return inputs


def read_job(environ: Mapping[str, str]) -> Job:
    """Collect what the runner tells every step."""

    def file(name: str) -> Path | None:
        return Path(environ[name]) if environ.get(name) else None

    return Job(
        name=environ.get("GITHUB_JOB", ""),
        event_file=file("GITHUB_EVENT_PATH"),
        output_file=file("GITHUB_OUTPUT"),
        env_file=file("GITHUB_ENV"),
        summary_file=file("GITHUB_STEP_SUMMARY"),
        scratch_folder=file("RUNNER_TEMP") or Path("/tmp"),  # noqa: S108 (a fresh folder inside)
        token_url=environ.get("ACTIONS_ID_TOKEN_REQUEST_URL", ""),
        token_secret=environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""),
        environ=environ,
    )


def is_loopback(host: str) -> bool:
    """Whether a URL's host can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _service_url(reader: _Reader) -> str:
    value = reader.text("service-url")
    if not value:
        reader.complain("service-url", "is missing")
        return ""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not _URL.fullmatch(value):
        reader.complain("service-url", "must be a URL like https://coppice.example.com")
    elif parts.scheme == "http" and not is_loopback(host):
        reader.complain("service-url", "must start with https:// (http only on this machine)")
    return value.rstrip("/")


def _command(reader: _Reader, command: str, name: str) -> str:
    if len(command.encode("utf-8", "replace")) > LONGEST_COMMAND_BYTES:
        reader.complain(name, "is too long; put it into a script and call that")
    elif any("\ud800" <= character <= "\udfff" for character in command):
        reader.complain(name, "is not UTF-8")
    return command


def _environments(reader: _Reader) -> tuple[str, ...]:
    names = [name.strip() for name in reader.text("environments").split(",")]
    wanted = tuple(dict.fromkeys(name for name in names if name))
    if any(name not in ENVIRONMENTS for name in wanted):
        reader.complain("environments", f"may only name {', '.join(ENVIRONMENTS)}")
    return wanted


def _names(reader: _Reader) -> Names:
    given = {
        "database-variables": names_in(reader.text("database-variables")),
        "keep-env": names_in(reader.text("keep-env")),
    }
    for name, values in given.items():
        if complaint(values):
            reader.complain(name, complaint(values))
    names = Names(database=given["database-variables"], keep=given["keep-env"])
    if set(names.database) & set(names.keep):
        reader.complain("keep-env", "names a variable that is in `database-variables` too")
    return names


def _directory(reader: _Reader, *, workspace: str) -> Path:
    given = reader.text("working-directory")
    directory = os.path.join(workspace, given)
    if not os.path.isdir(directory):  # unlike Path.is_dir, never raises
        shown = given.encode("unicode_escape").decode("ascii").replace("`", "'")
        reader.complain(
            "working-directory",
            f'is "{shown}", and the workspace has no such folder: is the repository checked out'
            " before this step?",
        )
    return Path(directory)
