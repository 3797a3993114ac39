"""A runner of GitHub Actions on this machine: the real `act`, without containers."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.interruption import pause

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.prefix) / "bin"
# What the last step of a workflow wrote there is what the test reads.
OUTPUTS = "OUTPUTS_FILE"
_CANCEL_SECONDS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What GitHub tells a runner."""

    event_name: str
    event: Mapping[str, Any]
    token_url: str = ""
    """Where a step asks for the job's OIDC token; empty without `id-token: write`."""
    token_secret: str = field(default="", repr=False)
    environ: Mapping[str, str] = field(default_factory=dict)
    """What this runner's machine has beside PATH and HOME."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a workflow ended."""

    exit_code: int
    log: str
    outputs: dict[str, Any]

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0


class Runner:
    """Runs one workflow after the other; `folder` holds everything that a machine would keep.

    `action` is a folder with `action.yml`, used for `uses: acme/coppice@v1`.
    """

    def __init__(self, folder: Path, *, action: Path) -> None:
        self._folder = folder
        self._action = action

    def run(self, checkout: Path, job: Job, *, timeout_seconds: float = 200) -> Outcome:
        """Run the workflows of a checkout for one event.

        Raises subprocess.TimeoutExpired when the workflow still runs after `timeout_seconds`, and
        Interrupted when somebody stops the wait; then it is cancelled.
        """
        home = self._folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        event = self._folder / "event.json"
        event.write_text(json.dumps(job.event))
        outputs = self._folder / "outputs.json"
        outputs.unlink(missing_ok=True)
        log = self._folder / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*self._command(job.event_name), "--eventpath", str(event)],
                cwd=checkout,
                env={**self._environ(home, job), OUTPUTS: str(outputs)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                # A terminal's Ctrl-C is for us, who then let it end in order.
                start_new_session=True,
            )
        try:
            _await_end(process, timeout_seconds)
        except BaseException:
            _cancel(process)
            raise
        return Outcome(
            exit_code=process.returncode,
            log=log.read_text(errors="replace"),
            outputs=json.loads(outputs.read_text()) if outputs.exists() else {},
        )

    def _command(self, event_name: str) -> list[str]:
        return [
            str(TOOLS / "act"),
            event_name,
            "--platform=ubuntu-latest=-self-hosted",
            "--platform=self-hosted=-self-hosted",
            f"--local-repository=acme/coppice@v1={self._action}",
            "--no-cache-server",
        ]

    def _environ(self, home: Path, job: Job) -> dict[str, str]:
        token = {
            "ACTIONS_ID_TOKEN_REQUEST_URL": job.token_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": job.token_secret,
        }
        return {
            "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "XDG_CACHE_HOME": str(home / ".cache"),
            "ACT_DISABLE_VERSION_CHECK": "1",
            **({} if not job.token_url else token),
            **job.environ,
        }


def _await_end(process: subprocess.Popen[bytes], timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise subprocess.TimeoutExpired(process.args, timeout_seconds)
        pause(0.02)


def _cancel(process: subprocess.Popen[bytes]) -> None:
    """As GitHub cancels a job: asked first, and killed when that takes too long."""
    process.terminate()
    try:
        process.wait(_CANCEL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def copy_action(target: Path) -> Path:
    """Copy what `uses:` would fetch: act copies the folder for every job, so it is kept small."""
    for package in ("action", "pgwire"):
        shutil.copytree(CHECKOUT / package, target / package)
    shutil.copy(CHECKOUT / "action.yml", target)
    return target


def check_out(origin: Path, target: Path, *, sha: str, full_name: str) -> Path:
    """Clone what actions/checkout would put into the workspace: one commit, no branch."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], check=True, capture_output=True)

    git("clone", "--quiet", "--no-checkout", str(origin), str(target))
    git("-C", str(target), "checkout", "--quiet", "--detach", sha)
    # act reads GITHUB_REPOSITORY from here.
    url = f"https://github.com/{full_name}.git"
    git("-C", str(target), "remote", "set-url", "origin", url)
    return target
