"""Comments as the adapter writes them and finds them again."""

import pytest

from app.core.errors import CoppiceError, GitHubUnavailable
from app.core.identifiers import CommentId, PullRequestNumber
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from demo.github import faults
from demo.github.model import Comment, PullRequest, Repository
from demo.github.server import LocalGitHub

MARKER = "<!-- the one -->"


@pytest.fixture
def opened(github: LocalGitHub, shop: Repository) -> PullRequest:
    github.push(shop, "topic")
    return github.open_pull_request(shop, "topic")


def publish(
    adapter: RestGitHub,
    known: Known,
    opened: PullRequest,
    text: str,
    *,
    comment_id: CommentId | None = None,
) -> CommentId:
    number = PullRequestNumber(opened.number)
    return adapter.publish_comment(
        known, number, f"{MARKER}\n{text}", marker=MARKER, comment_id=comment_id
    )


def ours(github: LocalGitHub, opened: PullRequest) -> list[Comment]:
    return [comment for comment in github.comments(opened) if comment.is_by_app]


def test_a_comment_is_made_by_the_apps_bot_and_edited_in_place(
    github: LocalGitHub, adapter: RestGitHub, known: Known, opened: PullRequest
) -> None:
    made = publish(adapter, known, opened, "first")

    assert publish(adapter, known, opened, "second", comment_id=made) == made

    [comment] = ours(github, opened)
    assert comment.body.endswith("second")
    assert (comment.author.login, comment.author.type) == ("coppice[bot]", "Bot")


@pytest.mark.parametrize("place", [0, 150, 301])
def test_a_comment_is_found_again_among_hundreds(
    github: LocalGitHub, adapter: RestGitHub, known: Known, opened: PullRequest, *, place: int
) -> None:
    mona = github.user("mona")
    for number in range(place):
        github.comment(opened, f"Before {number}", user=mona)
    made = publish(adapter, known, opened, "first")
    for number in range(301 - place):
        github.comment(opened, f"After {number}", user=mona)

    assert publish(adapter, known, opened, "second") == made
    assert len(ours(github, opened)) == 1


def test_whoever_copies_the_marker_is_left_alone(
    github: LocalGitHub, adapter: RestGitHub, known: Known, opened: PullRequest
) -> None:
    copied = github.comment(opened, f"{MARKER}\nMine.", user=github.user("mallory"))

    publish(adapter, known, opened, "first")

    assert copied.body.endswith("Mine.")
    assert len(ours(github, opened)) == 1


def test_a_comment_that_somebody_deleted_is_made_again(
    github: LocalGitHub, adapter: RestGitHub, known: Known, opened: PullRequest
) -> None:
    made = publish(adapter, known, opened, "first")
    github.delete_comment(ours(github, opened)[0], user=github.user("mona"))

    again = publish(adapter, known, opened, "second", comment_id=made)

    assert again != made
    assert [comment.id for comment in ours(github, opened)] == [again]


@pytest.mark.parametrize(
    "fault", [faults.lost_answer(), faults.dropped(after_work=True)], ids=["502", "dropped"]
)
def test_a_lost_answer_never_makes_two(
    github: LocalGitHub,
    adapter: RestGitHub,
    known: Known,
    opened: PullRequest,
    *,
    fault: faults.Fault,
) -> None:
    github.faults.plan(fault, method="POST", path="/comments")
    with pytest.raises(GitHubUnavailable):
        publish(adapter, known, opened, "first")

    publish(adapter, known, opened, "first")

    assert len(ours(github, opened)) == 1


def test_half_a_list_of_comments_is_no_reason_to_make_another(
    github: LocalGitHub, adapter: RestGitHub, known: Known, opened: PullRequest
) -> None:
    for number in range(101):
        github.comment(opened, f"Before {number}", user=github.user("mona"))
    publish(adapter, known, opened, "first")
    github.faults.plan(faults.server_error(), path="page=2", times=9)

    with pytest.raises(GitHubUnavailable):
        publish(adapter, known, opened, "second")

    assert len(ours(github, opened)) == 1


def test_a_reaction_twice_is_one(
    github: LocalGitHub, adapter: RestGitHub, known: Known, opened: PullRequest
) -> None:
    comment = github.comment(opened, "/db status", user=github.user("mona"))

    for _ in range(2):
        adapter.react(known, CommentId(comment.id), "eyes")

    assert [reaction.content for reaction in comment.reactions] == ["eyes"]


def test_long_text_is_cut(
    github: LocalGitHub, adapter: RestGitHub, known: Known, opened: PullRequest
) -> None:
    publish(adapter, known, opened, "🌳" * 40_000)

    assert len(ours(github, opened)[0].body.encode()) <= 65_000


def test_a_missing_permission_is_refused_for_good_and_named(
    github: LocalGitHub, adapter: RestGitHub, known: Known, opened: PullRequest
) -> None:
    next(iter(github.context.state.installations.values())).permissions["pull_requests"] = "read"

    with pytest.raises(CoppiceError, match="permissions requested are not granted") as caught:
        publish(adapter, known, opened, "first")

    assert not isinstance(caught.value, GitHubUnavailable)
