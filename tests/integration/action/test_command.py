"""Commands as processes: their output, their time, and their end."""

import io
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from action import command, execution, inputs, redact
from action.command import TIMED_OUT, Command, Outcome
from action.console import Console
from action.identity import Identity
from action.interruption import Interruption
from action.limit import Limit
from action.reply import Granted, Planned, Run, turn_in
from action.service import Service
from action.transport import Transport
from action.workplace import Workplace
from tests.unit.action.examples import go_reply

PLANNED = Planned(environment="branch", database="3ba03b--x")


def run(
    text: str,
    folder: Path,
    *,
    timeout_seconds: float = 30,
    secrets: tuple[str, ...] = (),
    stop_at: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> tuple[Outcome, bytes]:
    """Run a command, if wanted until it says something; also gives what was passed on."""
    passed: list[bytes] = []
    outcome = command.run(
        Command(
            text=text,
            script=(folder if folder.is_dir() else folder.parent) / "command.sh",
            directory=folder,
            environment={"PATH": os.environ["PATH"], **(environment or {})},
            timeout_seconds=timeout_seconds,
        ),
        relay=passed.append,
        should_stop=lambda: "It spoke." if stop_at and stop_at in b"".join(passed) else "",
        secrets=secrets,
    )
    return outcome, b"\n".join(passed)


def test_output_and_errors_come_in_their_order(tmp_path: Path) -> None:
    outcome, passed = run("echo one; echo two >&2; printf three", tmp_path)

    assert passed == b"one\ntwo\nthree"
    assert outcome.tail == b"one\ntwo\nthree"
    assert (outcome.exit_code, outcome.stopped, outcome.is_cut) == (0, "", False)


@pytest.mark.parametrize(
    ("text", "exit_code"),
    [
        ("false\necho deployed", 1),
        ("(exit 3)\r\necho deployed", 3),
        ("false | tee log", 1),
        ("x=$(false)\necho deployed", 1),
        ("if false; then echo no; fi\nfalse || echo well", 0),
        ("psql -c x nowhere || exit 9\necho deployed", 9),
        ("[[ $0 == */command.sh && $- != *i* ]]", 0),
        ("exit 7", 7),
        ("kill -9 $$", 137),
    ],
)
def test_a_command_runs_as_a_step_of_a_workflow_does(
    tmp_path: Path, text: str, exit_code: int
) -> None:
    outcome, passed = run(text, tmp_path)

    assert outcome.exit_code == exit_code
    assert b"deployed" not in passed


def test_a_command_out_of_time_is_ended(tmp_path: Path) -> None:
    outcome, _ = run("sleep 300", tmp_path, timeout_seconds=0.5)

    assert (outcome.exit_code, outcome.stopped) == (None, TIMED_OUT)
    assert 0.5 <= outcome.duration_seconds < 30


def test_sigterm_comes_first_so_that_a_command_can_tidy_up(tmp_path: Path) -> None:
    tidy = "trap 'echo tidied; exit 0' TERM; echo begun; while :; do sleep 0.05; done"

    outcome, passed = run(tidy, tmp_path, stop_at=b"begun")

    assert outcome.stopped == "It spoke."
    assert passed.endswith(b"\ntidied")


def test_a_folder_that_is_gone_is_a_failure_with_words(tmp_path: Path) -> None:
    outcome, passed = run("true", tmp_path / "gone")

    assert outcome.exit_code is None
    assert b"No such file or directory" in passed


def test_an_environment_too_large_for_the_system_is_a_failure_with_words(tmp_path: Path) -> None:
    outcome, passed = run("true", tmp_path, environment={"LARGE": "x" * 3_000_000})

    assert outcome.exit_code is None
    assert b"too long" in passed


def test_only_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    outcome, passed = run("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end", tmp_path)

    assert len(outcome.tail) == command.TAIL_BYTES
    assert outcome.tail.endswith(b"x\nend\n")
    assert outcome.is_cut
    assert len(passed.replace(b"\n", b"")) == 3_000_003


@pytest.mark.parametrize("shift", [0, 1, 8, 15])
def test_an_endless_line_is_never_cut_inside_a_secret(tmp_path: Path, shift: int) -> None:
    secret = "s3cret-012345678"
    endless = f"head -c {shift} /dev/zero | tr '\\0' -; yes {secret} | head -n 20000 | tr -d '\\n'"

    _, passed = run(endless, tmp_path, secrets=(secret,))

    shown = redact.hide(passed.decode(), [secret])
    assert set(shown) <= set("-*\n")


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    environ = {
        "COPPICE_INPUT_SERVICE_URL": "http://127.0.0.1:9",
        "GITHUB_WORKSPACE": str(tmp_path),
    }
    job, console, transport = inputs.read_job(environ), Console(io.BytesIO()), Transport()
    identity = Identity(job, audience="http://127.0.0.1:9", transport=transport)
    return Workplace(
        inputs=inputs.read(environ),
        job=job,
        run=Run(
            id=1,
            app="3ba03b",
            command="true",
            command_source="workflow",
            seed_command="",
            primary="branch",
            databases=(PLANNED,),
            migrates=True,
            url="",
            trace="off",
        ),
        service=Service(
            "http://127.0.0.1:9", identity=identity, transport=transport, console=console
        ),
        console=console,
        interruption=Interruption(),
        limit=Limit(7),
        folder=tmp_path,
    )


def test_a_timeout_is_reported_as_one_with_the_line_to_change(
    place: Workplace, tmp_path: Path
) -> None:
    outcome, _ = run("sleep 300", tmp_path, timeout_seconds=0.3)
    go = turn_in(go_reply(), planned=PLANNED, migrates=True)
    assert isinstance(go, Granted)

    ended = execution.ended(place, go, execution.Course(outcome=outcome))

    assert (ended.report.result, ended.report.exit_code) == ("timed-out", None)
    assert ended.problem
    assert "after 7 minutes" in ended.problem.title
    assert "timeout-minutes: 14" in ended.problem.text
