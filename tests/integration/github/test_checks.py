"""Check runs as the adapter publishes them."""

from dataclasses import replace
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
from demo.github.model import Repository
from demo.github.server import LocalGitHub

OURS = CheckId(41)


@pytest.fixture
def head(github: LocalGitHub, shop: Repository) -> CommitSha:
    return CommitSha(github.push(shop, "topic"))


def test_a_check_run_says_everything(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known, head: CommitSha
) -> None:
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

    adapter.publish_check(known, head, content, check_id=OURS, github_id=None)

    (shown,) = github.check_runs(shop, head)
    assert (shown.name, shown.status, shown.conclusion) == (content.name, "completed", "failure")
    assert shown.external_id == "41"
    assert shown.output == {"title": "Failed", "summary": "Exit code 1", "text": "```\nlog\n```"}
    assert shown.details_url == content.details_url
    assert [action["identifier"] for action in shown.actions] == ["fix"]


def test_progress_and_end_are_one_check_run_and_the_button_goes_with_the_failure(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
) -> None:
    button = CheckAction(label="Fix", description="Try again", identifier="fix")
    going = replace(passed, conclusion=None, actions=(button,), text="An earlier attempt's log")

    first = adapter.publish_check(known, head, going, check_id=OURS, github_id=None)
    again = adapter.publish_check(known, head, passed, check_id=OURS, github_id=first)

    (shown,) = github.check_runs(shop, head)
    assert first == again == shown.id
    assert (shown.status, shown.conclusion, shown.actions) == ("completed", "success", [])
    assert not shown.output.get("text")


def test_a_completed_check_run_can_be_in_progress_again(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
) -> None:
    first = adapter.publish_check(known, head, passed, check_id=OURS, github_id=None)

    adapter.publish_check(
        known, head, replace(passed, conclusion=None), check_id=OURS, github_id=first
    )

    (shown,) = github.check_runs(shop, head)
    assert (shown.status, shown.conclusion) == ("in_progress", None)


@pytest.mark.parametrize(
    "fault", [faults.lost_answer(), faults.dropped(after_work=True)], ids=["502", "dropped"]
)
def test_a_lost_answer_never_makes_two(
    *,
    fault: faults.Fault,
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    passed: CheckContent,
) -> None:
    github.faults.plan(fault, method="POST", path="/check-runs")
    with pytest.raises(GitHubUnavailable):
        adapter.publish_check(known, head, passed, check_id=OURS, github_id=None)

    adapter.publish_check(known, head, passed, check_id=OURS, github_id=None)

    assert len(github.check_runs(shop, head)) == 1


def test_another_check_of_the_same_name_is_left_alone(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
) -> None:
    adapter.publish_check(known, head, passed, check_id=CheckId(40), github_id=None)

    adapter.publish_check(known, head, passed, check_id=OURS, github_id=None)

    assert [check.external_id for check in github.check_runs(shop, head)] == ["40", "41"]


def test_an_older_check_of_the_same_name_is_found_again(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
) -> None:
    first = adapter.publish_check(known, head, passed, check_id=CheckId(40), github_id=None)
    adapter.publish_check(known, head, passed, check_id=OURS, github_id=None)

    again = adapter.publish_check(known, head, passed, check_id=CheckId(40), github_id=None)

    assert again == first


def test_a_check_run_that_github_has_no_more_is_made_again(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
) -> None:
    made = adapter.publish_check(known, head, passed, check_id=OURS, github_id=CheckRunId(7))

    assert [check.id for check in github.check_runs(shop, head)] == [made]


def test_annotations_are_sent_once_and_no_more_than_github_takes(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
) -> None:
    beside = Annotation(
        path="db/1.sql",
        line=3,
        level=AnnotationLevel.FAILURE,
        title="t" * 300,
        message="m" * 70_000,
    )
    first = adapter.publish_check(known, head, passed, check_id=OURS, github_id=None)
    annotated = replace(passed, annotations=(beside,) * 60)

    for _ in range(2):
        adapter.publish_check(known, head, annotated, check_id=OURS, github_id=first)

    [shown] = github.check_runs(shop, head)
    assert len(shown.annotations) == 50
    where = ("db/1.sql", 3, 3, "failure")
    [found] = {
        (one["path"], one["start_line"], one["end_line"], one["annotation_level"])
        for one in shown.annotations
    }
    assert found == where


def test_a_repeated_run_has_its_annotations_in_a_check_run_of_its_own(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
) -> None:
    """GitHub takes none away, and shows the last check run of a name; also after a lost answer."""
    beside = Annotation(
        path="db/1.sql", line=3, level=AnnotationLevel.FAILURE, title="t", message="m"
    )
    content = replace(passed, annotations=(beside,), started_at=datetime(2026, 1, 1, tzinfo=UTC))
    repeated = replace(
        content,
        annotations=(replace(beside, level=AnnotationLevel.NOTICE),),
        started_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    first = adapter.publish_check(known, head, content, check_id=OURS, github_id=None)

    posted = [
        adapter.publish_check(known, head, repeated, check_id=OURS, github_id=each)
        for each in (first, first, None)
    ]

    shown = {
        check.id: [one["annotation_level"] for one in check.annotations]
        for check in github.check_runs(shop, head)
    }
    assert shown == {first: ["failure"], posted[0]: ["notice"]}
    assert posted == [posted[0]] * 3


@pytest.mark.parametrize("letter", ["a", "ü", "日", "🌳"])
def test_long_texts_are_cut_between_characters(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
    letter: str,
) -> None:
    long = replace(passed, title=letter * 999, summary=letter * 70_000, text="x" + letter * 70_000)

    adapter.publish_check(known, head, long, check_id=OURS, github_id=None)

    output = github.check_runs(shop, head)[0].output
    for name in ("summary", "text"):
        assert MOST_TEXT_BYTES - 8 < len(output[name].encode()) <= MOST_TEXT_BYTES
        assert output[name].endswith("(cut: longer than GitHub shows)")
    assert len(output["title"].encode()) <= 255


def test_odd_characters_and_long_buttons_are_still_accepted(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
) -> None:
    button = CheckAction(label="L" * 99, description="D" * 99, identifier="I" * 99)
    odd = replace(passed, title="", summary="a\0b\ud800c", actions=(button,) * 5)

    adapter.publish_check(known, head, odd, check_id=OURS, github_id=None)

    (shown,) = github.check_runs(shop, head)
    assert shown.output["summary"] == "a?b?c"
    assert len(shown.actions) == 3


def test_a_commit_that_github_does_not_know_is_refused_for_good(
    adapter: RestGitHub, known: Known, passed: CheckContent
) -> None:
    with pytest.raises(CoppiceError, match="No commit found") as caught:
        adapter.publish_check(known, CommitSha("a" * 40), passed, check_id=OURS, github_id=None)

    assert not isinstance(caught.value, GitHubUnavailable)


def test_a_missing_permission_is_refused_for_good_and_named(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    known: Known,
    head: CommitSha,
    *,
    passed: CheckContent,
) -> None:
    next(iter(github.context.state.installations.values())).permissions["checks"] = "read"

    with pytest.raises(CoppiceError, match="permissions requested are not granted"):
        adapter.publish_check(known, head, passed, check_id=OURS, github_id=None)
