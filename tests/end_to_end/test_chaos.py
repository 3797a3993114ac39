"""A short run of `script/chaos`; docs/reliability.md tells of the long ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.runner import CHECKOUT
from tests.end_to_end.demonstration import Demonstration

_SECONDS = 40
_PATIENCE_SECONDS = 540

# Much happens at once there, and a busy machine takes its time.
pytestmark = pytest.mark.timeout(600)


def test_a_broken_installation_heals_and_keeps_its_promises(tmp_path: Path) -> None:
    outcome = tmp_path / "outcome.json"

    finished = subprocess.run(
        [sys.executable, "-m", "chaos", f"--seconds={_SECONDS}", "--seed=1", f"--json={outcome}"],
        cwd=CHECKOUT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    told = json.loads(outcome.read_text())
    assert told["violations"] == []
    assert told["rows_written"] > 0


def test_ctrl_c_ends_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    chaos = Demonstration(tmp_path, "--seconds=60", program="chaos")
    try:
        chaos.read_until("Breaking it")

        chaos.press_ctrl_c()

        rest = chaos.process.communicate(timeout=_PATIENCE_SECONDS)[0]
        assert rest.endswith(
            "Stopped. Nothing of it is running any more, and its files are removed.\n"
        )
        assert chaos.process.returncode == 130
        assert chaos.left() == []
        assert list(tmp_path.iterdir()) == []
    finally:
        chaos.end()
