"""One step of a job: the Action in a process of its own, and a runner that reads its log."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from tests.integration.action.scripted import REQUEST_SECRET, ScriptedService

START = Path(__file__).resolve().parents[3] / "action" / "run.sh"
_FILES = (
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
)


@dataclass
class Log:
    """What the runner makes of a step's output: masks, commands, and the lines that people see.

    https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionCommandManager.cs
    """

    raw: str
    shown: list[str] = field(default_factory=list)
    commands: list[tuple[str, str]] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    _stop_token: str = ""

    def __post_init__(self) -> None:
        for line in self.raw.splitlines():
            self._process(line)

    @property
    def text(self) -> str:
        return "\n".join(self.shown)

    def of(self, name: str) -> list[str]:
        return [data for command, data in self.commands if command == name]

    def _process(self, line: str) -> None:
        command, _, data = line.lstrip()[2:].partition("::")
        if not line.lstrip().startswith("::"):
            self._show(line)
        elif self._stop_token:
            if command == self._stop_token:
                self._stop_token = ""
            else:
                self._show(line)
        elif command == "stop-commands":
            self._stop_token = data
        else:
            self._obey(command.partition(" ")[0], unquote(data))

    def _obey(self, name: str, data: str) -> None:
        self.commands.append((name, data))
        if name == "add-mask":
            assert len(data) >= 8
            self.masks.append(data)
        else:
            self._show(data)

    def _show(self, line: str) -> None:
        for mask in self.masks:
            line = line.replace(mask, "***")
        self.shown.append(line)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a step ended."""

    exit_code: int
    log: Log
    outputs: dict[str, str]
    exported: dict[str, str]
    summary: str


class Step:
    """A step on a runner whose machine has only what `environ` says."""

    def __init__(self, folder: Path, service: ScriptedService, *, python: str = "") -> None:
        self.folder = folder
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        (folder / "temp").mkdir()
        for name in _FILES:
            (folder / name).touch()
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_JOB": "migrate",
            "RUNNER_TEMP": str(folder / "temp"),
            "RUNNER_OS": "Linux",
            "ACTIONS_ID_TOKEN_REQUEST_URL": service.token_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_SECRET,
            "COPPICE_INPUT_SERVICE_URL": service.url,
            **{name: str(folder / name) for name in _FILES},
        }
        tools = folder / "tools"
        tools.mkdir()
        (tools / "python3").symlink_to(python or sys.executable)
        self.environ["PATH"] = f"{tools}:{self.environ['PATH']}"

    def start(self, **inputs: str) -> subprocess.Popen[bytes]:
        """Start it; `finish` reads the rest."""
        given = {f"COPPICE_INPUT_{name.upper()}": value for name, value in inputs.items()}
        return subprocess.Popen(
            [str(START)],
            env=self.environ | given,
            cwd=self.workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def finish(self, process: subprocess.Popen[bytes], *, timeout_seconds: float = 60) -> Finished:
        try:
            raw, _ = process.communicate(timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raw, _ = process.communicate()
            raise AssertionError(f"still running:\n{raw.decode()}") from None
        return Finished(
            exit_code=process.returncode,
            log=Log(raw.decode("utf-8", "replace")),
            outputs=read_command_file(self.folder / "GITHUB_OUTPUT"),
            exported=read_command_file(self.folder / "GITHUB_ENV"),
            summary=(self.folder / "GITHUB_STEP_SUMMARY").read_text(),
        )

    def run(self, **inputs: str) -> Finished:
        return self.finish(self.start(**inputs))


def read_command_file(file: Path) -> dict[str, str]:
    """Read GITHUB_ENV or GITHUB_OUTPUT as the runner does."""
    values: dict[str, str] = {}
    lines = iter(file.read_text().splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if not heredoc:
            name, _, values[name] = line.partition("=")
            continue
        block: list[str] = []
        for inner in lines:
            if inner == delimiter:
                break
            block.append(inner)
        values[name] = "\n".join(block)
    return values


def without(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    """An environment that lacks some variables."""
    return {name: value for name, value in environ.items() if name not in names}
