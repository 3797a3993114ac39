"""The runner itself: what reaches a job is what GitHub's runner would give it."""

import subprocess
from pathlib import Path

import pytest

from demo.runner import Job, Outcome, Runner, check_out

ACTION = """\
name: Stand-in
inputs: {word: {required: true}}
outputs: {result: {value: "${{ steps.only.outputs.result }}"}}
runs:
  using: composite
  steps:
    - id: only
      shell: bash
      env: {WORD: "${{ inputs.word }}"}
      run: |
        echo "::add-mask::hunter2-secret"
        echo "the password is hunter2-secret"
        printf '%s' "$GITHUB_REF_NAME" > "$HOME/ref-name"
        echo "result=$WORD-${#ACTIONS_ID_TOKEN_REQUEST_TOKEN}" >> "$GITHUB_OUTPUT"
"""

WORKFLOW = """\
on: push
jobs:
  only:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: acme/coppice@v1
        id: coppice
        with: {word: said}
      - env: {RESULT: "${{ steps.coppice.outputs.result }}"}
        run: printf '{"result":"%s"}' "$RESULT" > "$OUTPUTS_FILE"
      - run: exit "$(cat status)"
"""


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with a workflow that ends as the file `status` says."""
    origin = tmp_path / "origin"
    (origin / ".github/workflows").mkdir(parents=True)
    (origin / ".github/workflows/ci.yml").write_text(WORKFLOW)
    (origin / "status").write_text("0")
    _git(origin, "init", "--quiet")
    _commit(origin)
    return origin


def run(tmp_path: Path, origin: Path, *, branch: str = "main") -> Outcome:
    action = tmp_path / "action"
    action.mkdir()
    (action / "action.yml").write_text(ACTION)
    sha = _git(origin, "rev-parse", "HEAD")
    checkout = check_out(origin, tmp_path / "checkout", sha=sha, full_name="acme/shop")
    job = Job(
        event_name="push",
        event={"ref": f"refs/heads/{branch}"},
        token_url="http://127.0.0.1:1/token",
        token_secret="four",
    )
    return Runner(tmp_path / "runner", action=action).run(checkout, job)


def test_a_step_gets_its_inputs_and_the_job_s_token_and_answers_with_outputs(
    tmp_path: Path, origin: Path
) -> None:
    outcome = run(tmp_path, origin)

    assert outcome.succeeded, outcome.log
    assert outcome.outputs == {"result": "said-4"}


def test_what_a_step_masks_is_not_in_the_log(tmp_path: Path, origin: Path) -> None:
    outcome = run(tmp_path, origin)

    assert "the password is ***" in outcome.log
    assert "hunter2" not in outcome.log


def test_a_step_that_fails_fails_the_workflow(tmp_path: Path, origin: Path) -> None:
    (origin / "status").write_text("3")
    _commit(origin)

    outcome = run(tmp_path, origin)

    assert not outcome.succeeded
    assert outcome.outputs == {"result": "said-4"}


@pytest.mark.parametrize("branch", ["feature/$(id)", "a--b", "🌱/grün", "x" * 250])
def test_a_branch_s_name_reaches_the_step_as_it_is(
    tmp_path: Path, origin: Path, branch: str
) -> None:
    run(tmp_path, origin, branch=branch)

    assert (tmp_path / "runner/home/ref-name").read_text() == branch


def _commit(origin: Path) -> None:
    _git(origin, "add", "--all")
    _git(origin, "-c", "user.name=M", "-c", "user.email=m@example.com", "commit", "-qm", "Change")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
