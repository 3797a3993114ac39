"""The demonstration as newcomers use it: they stop it when they like."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.stage import wait_for
from tests.end_to_end.demonstration import STOPPED, Demonstration

needs_proc = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="looks into Linux's list of processes"
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: there PostgreSQL's account, which root has for it, may not pass through."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o711)
        yield folder


@pytest.fixture
def play(folder: Path) -> Iterator[Callable[..., Demonstration]]:
    """Starts one with arguments; what a failed test leaves of it is told to end."""
    with ExitStack() as stack:

        def start(*arguments: str) -> Demonstration:
            demonstration = Demonstration(folder, *arguments)
            stack.callback(demonstration.end)
            return demonstration

        yield start


@needs_proc
@pytest.mark.parametrize("moment", ["instances provision", "Its workflow runs"])
def test_ctrl_c_ends_it_quietly_and_leaves_nothing(
    play: Callable[..., Demonstration], moment: str
) -> None:
    demonstration = play()
    demonstration.read_until(moment)

    demonstration.press_ctrl_c()
    rest = demonstration.output.read()

    assert demonstration.process.wait() == 130
    assert rest.endswith(f"\n{STOPPED}")
    assert "Traceback" not in rest
    assert demonstration.left() == []
    assert list(demonstration.folder.iterdir()) == []


@needs_proc
def test_sigterm_while_it_starts_leaves_nothing(play: Callable[..., Demonstration]) -> None:
    demonstration = play()
    wait_for(lambda: list(demonstration.folder.glob("*/service.log")) or None, what="service")

    demonstration.process.terminate()

    said = demonstration.output.read()
    assert said.startswith("Coppice, from the first push to the last\n")
    assert said.endswith(f"\n{STOPPED}")
    assert "Traceback" not in said
    assert demonstration.process.wait() == 143
    assert demonstration.left() == []
    assert list(demonstration.folder.iterdir()) == []
