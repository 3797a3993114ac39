"""Check runs as the adapter publishes them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from app.core.checks import (
    Annotation,
    AnnotationLevel,
    CheckAction,
    CheckContent,
    Conclusion,
)
from app.core.errors import CoppiceError, GitHubUnavailable
from app.core.identifiers import CheckId, CheckRunId, CommitSha
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from app.github.checks import MOST_TEXT_BYTES
from demo.github import faults
from demo.github.model import CheckRun, Repository
from demo.github.server import LocalGitHub

OURS, OLDER = CheckId(41), CheckId(40)
PASSED = CheckContent(
    name="migrate (branch)",
    conclusion=Conclusion.SUCCESS,
    title="Migrated",
    summary="It took 2 seconds.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit of a repository, on which the adapter publishes."""

    sha: CommitSha
    repository: Repository
    known: Known
    adapter: RestGitHub
    github: LocalGitHub

    def publish(
        self,
        content: CheckContent,
        *,
        check_id: CheckId = OURS,
        github_id: CheckRunId | None = None,
    ) -> CheckRunId:
        return self.adapter.publish_check(
            self.known, self.sha, content, check_id=check_id, github_id=github_id
        )

    @property
    def check_runs(self) -> list[CheckRun]:
        return self.github.check_runs(self.repository, self.sha)


@pytest.fixture
def commit(github: LocalGitHub, shop: Repository, known: Known, adapter: RestGitHub) -> Commit:
    sha = CommitSha(github.push(shop, "topic"))
    return Commit(sha=sha, repository=shop, known=known, adapter=adapter, github=github)


def test_a_check_run_says_everything(commit: Commit) -> None:
    at = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    content = CheckContent(
        name="migrate (branch)",
        conclusion=Conclusion.FAILURE,
        title="Failed",
        summary="Exit code 1",
        text="```\nlog\n```",
        details_url="https://coppice.example.com/runs/1",
        actions=(CheckAction(label="Fix", description="Try again", identifier="fix"),),
        started_at=at,
        completed_at=at,
    )

    commit.publish(content)

    (shown,) = commit.check_runs
    assert (shown.name, shown.status, shown.conclusion) == (content.name, "completed", "failure")
    assert shown.external_id == "41"
    assert shown.output == {"title": "Failed", "summary": "Exit code 1", "text": "```\nlog\n```"}
    assert shown.details_url == content.details_url
    assert [action["identifier"] for action in shown.actions] == ["fix"]


def test_progress_and_end_are_one_check_run_and_the_button_goes_with_the_failure(
    commit: Commit,
) -> None:
    button = CheckAction(label="Fix", description="Try again", identifier="fix")
    going = replace(PASSED, conclusion=None, actions=(button,), text="An earlier attempt's log")

    first = commit.publish(going)
    again = commit.publish(PASSED, github_id=first)

    (shown,) = commit.check_runs
    assert first == again == shown.id
    assert (shown.status, shown.conclusion, shown.actions) == ("completed", "success", [])
    assert not shown.output.get("text")


def test_a_completed_check_run_can_be_in_progress_again(commit: Commit) -> None:
    first = commit.publish(PASSED)

    commit.publish(replace(PASSED, conclusion=None), github_id=first)

    (shown,) = commit.check_runs
    assert (shown.status, shown.conclusion) == ("in_progress", None)


@pytest.mark.parametrize(
    "fault", [faults.lost_answer(), faults.dropped(after_work=True)], ids=["502", "dropped"]
)
def test_a_lost_answer_never_makes_two(commit: Commit, fault: faults.Fault) -> None:
    commit.github.faults.plan(fault, method="POST", path="/check-runs")
    with pytest.raises(GitHubUnavailable):
        commit.publish(PASSED)

    commit.publish(PASSED)

    assert len(commit.check_runs) == 1


def test_another_check_of_the_same_name_is_left_alone(commit: Commit) -> None:
    commit.publish(PASSED, check_id=OLDER)

    commit.publish(PASSED)

    assert [check.external_id for check in commit.check_runs] == ["40", "41"]


def test_an_older_check_of_the_same_name_is_found_again(commit: Commit) -> None:
    first = commit.publish(PASSED, check_id=OLDER)
    commit.publish(PASSED)

    again = commit.publish(PASSED, check_id=OLDER)

    assert again == first


def test_a_check_run_that_github_has_no_more_is_made_again(commit: Commit) -> None:
    made = commit.publish(PASSED, github_id=CheckRunId(7))

    assert [check.id for check in commit.check_runs] == [made]


def test_annotations_are_sent_once_and_no_more_than_github_takes(commit: Commit) -> None:
    beside = Annotation(
        path="db/1.sql",
        line=3,
        level=AnnotationLevel.FAILURE,
        title="t" * 300,
        message="m" * 70_000,
    )
    first = commit.publish(PASSED)
    annotated = replace(PASSED, annotations=(beside,) * 60)

    for _ in range(2):
        commit.publish(annotated, github_id=first)

    [shown] = commit.check_runs
    assert len(shown.annotations) == 50
    where = ("db/1.sql", 3, 3, "failure")
    [found] = {
        (one["path"], one["start_line"], one["end_line"], one["annotation_level"])
        for one in shown.annotations
    }
    assert found == where


def test_a_repeated_run_has_its_annotations_in_a_check_run_of_its_own(commit: Commit) -> None:
    """GitHub takes none away, and shows the last check run of a name; also after a lost answer."""
    beside = Annotation(
        path="db/1.sql", line=3, level=AnnotationLevel.FAILURE, title="t", message="m"
    )
    content = replace(PASSED, annotations=(beside,), started_at=datetime(2026, 1, 1, tzinfo=UTC))
    repeated = replace(
        content,
        annotations=(replace(beside, level=AnnotationLevel.NOTICE),),
        started_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    first = commit.publish(content)

    posted = [commit.publish(repeated, github_id=each) for each in (first, first, None)]

    shown = {
        check.id: [one["annotation_level"] for one in check.annotations]
        for check in commit.check_runs
    }
    assert shown == {first: ["failure"], posted[0]: ["notice"]}
    assert posted == [posted[0]] * 3


@pytest.mark.parametrize("letter", ["a", "ü", "日", "🌳"])
def test_long_texts_are_cut_between_characters(commit: Commit, letter: str) -> None:
    long = replace(PASSED, title=letter * 999, summary=letter * 70_000, text="x" + letter * 70_000)

    commit.publish(long)

    output = commit.check_runs[0].output
    for name in ("summary", "text"):
        assert MOST_TEXT_BYTES - 8 < len(output[name].encode()) <= MOST_TEXT_BYTES
        assert output[name].endswith("(cut: longer than GitHub shows)")
    assert len(output["title"].encode()) <= 255


def test_odd_characters_and_long_buttons_are_still_accepted(commit: Commit) -> None:
    button = CheckAction(label="L" * 99, description="D" * 99, identifier="I" * 99)
    odd = replace(PASSED, title="", summary="a\0b\ud800c", actions=(button,) * 5)

    commit.publish(odd)

    (shown,) = commit.check_runs
    assert shown.output["summary"] == "a?b?c"
    assert len(shown.actions) == 3


def test_a_commit_that_github_does_not_know_is_refused_for_good(commit: Commit) -> None:
    unknown = replace(commit, sha=CommitSha("a" * 40))

    with pytest.raises(CoppiceError, match="No commit found") as caught:
        unknown.publish(PASSED)

    assert not isinstance(caught.value, GitHubUnavailable)


def test_a_missing_permission_is_refused_for_good_and_named(commit: Commit) -> None:
    next(iter(commit.github.context.state.installations.values())).permissions["checks"] = "read"

    with pytest.raises(CoppiceError, match="permissions requested are not granted"):
        commit.publish(PASSED)
