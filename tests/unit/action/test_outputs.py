import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action import outputs, results, summary
from action.errors import Problem
from action.reply import Planned
from action.results import Result
from tests.integration.action.step import read_command_file

BRANCH = Planned(environment="branch", database="3ba03b--x")
GOOD = Result(planned=BRANCH, result=results.SUCCESS, duration_seconds=1.23456)
one_line = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
)


@given(values=st.dictionaries(st.from_regex(r"[A-Z_]{1,20}", fullmatch=True), one_line))
def test_what_is_written_is_what_the_runner_reads(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]
) -> None:
    file = tmp_path_factory.mktemp("out") / "file"
    file.touch()

    outputs.append(file, values)

    assert read_command_file(file) == values


@pytest.mark.parametrize("end", ["\r", "\n", "\0"])
def test_a_line_end_is_refused_before_anything_is_written(tmp_path: Path, end: str) -> None:
    file = tmp_path / "file"

    with pytest.raises(ValueError, match="line end"):
        outputs.append(file, {"GOOD": "x", "BAD": f"a{end}LD_PRELOAD=/evil"})

    assert not file.exists()


def test_delimiters_are_never_the_same(tmp_path: Path) -> None:
    file = tmp_path / "file"

    outputs.append(file, {"A": "1", "B": "2"})

    lines = file.read_text().splitlines()
    assert len({line for line in lines if line.startswith("end-")}) == 2


def test_databases_are_described_without_secrets() -> None:
    described = json.loads(outputs.describe([GOOD]))

    assert described == [
        {
            "environment": "branch",
            "database": "3ba03b--x",
            "result": "success",
            "duration_seconds": 1.235,
            "seed": None,
        }
    ]


@given(st.text(max_size=40))
def test_a_name_cannot_leave_its_cell_or_become_markup(text: str) -> None:
    page = summary.escape(text)

    assert "\n" not in page
    assert "@" not in page
    for mark in "<|`[*_":
        assert page.count(mark) == page.count(f"\\{mark}")


def test_the_page_has_a_row_for_each_database_and_each_cause_once() -> None:
    problem = Problem(title="It | failed", text="Change *this*.")
    bad = Result(planned=BRANCH, result=results.FAILURE, fails=True, problem=problem)

    page = summary.of_results([GOOD, bad, bad], run_url="")

    assert page.count("| branch |") == 3
    assert "It \\| failed" in page
    assert page.count("Change *this*.") == 1


@pytest.mark.parametrize("output", ["ERROR: no table", "```\n</details>\n# Big\n````", "@all"])
def test_the_page_shows_the_end_of_the_output_as_it_is(output: str) -> None:
    problem = Problem(title="It failed", text="Change this.")
    bad = Result(planned=BRANCH, result=results.FAILURE, fails=True, problem=problem, output=output)

    page = summary.of_results([bad], run_url="https://coppice.example.com/apps/3ba03b/runs/1")

    before, _, rest = page.partition("<details>")
    fence = "`" * 5 if "````" in output else "```"
    assert before.endswith("Change this.\n\n")
    assert f"\n\n{fence}text\n{output}\n{fence}\n\n</details>\n\n[This run on" in rest


def test_a_neutral_failure_is_called_neutral() -> None:
    problem = Problem(title="No", text="")
    neutral = Result(planned=BRANCH, result=results.FAILURE, fails=False, problem=problem)

    assert "failure (neutral)" in summary.table([neutral]).replace("\\", "")
