"""The files that people deploy and that GitHub runs: in agreement with the code, and careful."""

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import Config

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# Compose's own: it becomes part of COPPICE_DATABASE_URL.
NO_SETTINGS = {"COPPICE_STATE_PASSWORD"}
# The image has its folder and port, a key is handed over as a file, and no server is provisioned.
NOT_IN_CONTAINERS = {
    "COPPICE_BIND",
    "COPPICE_DATA_DIR",
    "COPPICE_GITHUB_PRIVATE_KEY",
    "COPPICE_POSTGRES_BIN",
}


@pytest.mark.parametrize(
    "name",
    [
        "compose.yaml",
        ".env.example",
        "Dockerfile",
        "docs/coppice.service",
        "docs/nginx.conf",
        "docs/Caddyfile",
    ],
)
def test_every_variable_that_is_set_is_a_setting(name: str) -> None:
    named = set(re.findall(r"\bCOPPICE_[A-Z_]+", (ROOT / name).read_text())) - NO_SETTINGS

    settings = {field.alias or "" for field in Config.model_fields.values()}
    settings |= {f"COPPICE_{field.upper()}" for field in Config.model_fields}
    assert named <= settings | {"COPPICE_GITHUB_PRIVATE_KEY_FILE"}


def test_compose_passes_every_setting_on() -> None:
    passed = set(
        re.findall(r"^    (COPPICE_\w+):", (ROOT / "compose.yaml").read_text(), re.MULTILINE)
    )

    settings = {f"COPPICE_{field.upper()}" for field in Config.model_fields} - {"COPPICE_WARNINGS"}
    settings |= {"COPPICE_GITHUB_PRIVATE_KEY_FILE"}
    assert passed == settings - NOT_IN_CONTAINERS


def test_every_variable_that_compose_asks_for_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))

    example = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert asked == example


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_an_action_of_others_is_used_at_one_commit_only(workflow: Path) -> None:
    used = re.findall(r"uses: (\S+)", workflow.read_text())

    assert used
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each)] == []


@pytest.mark.parametrize(
    "name",
    [
        "script/setup",
        "script/test",
        "script/demo",
        "script/bench",
        ".ci/run",
        ".github/image.sh",
        "action/run.sh",
    ],
)
def test_a_script_can_be_run(name: str) -> None:
    assert (ROOT / name).stat().st_mode & stat.S_IXUSR


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Its program exists where it is installed; here another one stands for it."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    unit = (ROOT / "docs/coppice.service").read_text()
    assert "ExecStart=/opt/coppice/bin/coppice serve\n" in unit
    (tmp_path / "coppice.service").write_text(unit.replace("/opt/coppice/bin/coppice", "/bin/true"))

    looked_at = subprocess.run(
        [program, "verify", "--man=no", str(tmp_path / "coppice.service")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "coppice.service" not in looked_at.stderr
    assert looked_at.returncode == 0


@pytest.mark.parametrize("name", ["test", "demo", "chaos", "bench"])
def test_a_script_tells_its_usage_before_it_sets_anything_up(tmp_path: Path, name: str) -> None:
    for folder in ("script", "demo", "chaos", "bench"):
        shutil.copytree(ROOT / folder, tmp_path / folder)

    told = subprocess.run(
        [tmp_path / "script" / name, "--help"],
        env={"PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert told.stdout.startswith(f"usage: script/{name} ")
    assert told.stderr == ""
    assert not (tmp_path / ".venv").exists()
    assert not (tmp_path / "build").exists()


def test_the_demonstration_is_called_by_the_name_that_people_type() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "demo", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert "usage: script/demo" in finished.stdout
    assert "python -m demo" not in finished.stdout
