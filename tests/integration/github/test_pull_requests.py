"""Pull requests as the adapter reads them."""

import pytest

from app.core.errors import GitHubUnavailable
from app.core.identifiers import PullRequestNumber
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from demo.github import faults
from demo.github.model import Repository
from demo.github.server import LocalGitHub


def test_a_pull_request_of_the_same_repository_is_told_with_its_head(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    sha = github.push(shop, "topic")
    opened = github.open_pull_request(shop, "topic")

    read = adapter.pull_request(known, PullRequestNumber(opened.number))

    assert read is not None
    assert (read.head_branch, read.head_sha, read.is_open) == ("topic", sha, True)
    assert not read.is_from_fork


def test_the_head_follows_a_push(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.push(shop, "topic")
    opened = github.open_pull_request(shop, "topic")
    sha = github.push(shop, "topic")

    read = adapter.pull_request(known, PullRequestNumber(opened.number))

    assert read is not None
    assert read.head_sha == sha


def test_a_fork_is_told_apart_even_under_the_same_branch_name(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.push(shop, "topic")
    fork = github.fork(shop, owner=github.user("mallory"))
    github.push(fork, "topic")
    opened = github.open_pull_request(shop, "topic", head_repository=fork)

    read = adapter.pull_request(known, PullRequestNumber(opened.number))

    assert read is not None
    assert read.is_from_fork
    assert read.head_repository_id == fork.id


def test_a_deleted_fork_leaves_a_pull_request_without_head_repository(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    fork = github.fork(shop, owner=github.user("mallory"))
    github.push(fork, "topic")
    opened = github.open_pull_request(shop, "topic", head_repository=fork)
    github.delete_repository(fork)

    read = adapter.pull_request(known, PullRequestNumber(opened.number))

    assert read is not None
    assert read.head_repository_id is None
    assert read.is_from_fork


def test_a_closed_pull_request_is_still_read(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.push(shop, "topic")
    opened = github.open_pull_request(shop, "topic")
    github.close(opened, merged=True)

    read = adapter.pull_request(known, PullRequestNumber(opened.number))

    assert read is not None
    assert not read.is_open
    assert adapter.open_pull_requests(known) == []


def test_a_pull_request_that_is_not_there_is_none(adapter: RestGitHub, known: Known) -> None:
    assert adapter.pull_request(known, PullRequestNumber(99)) is None


def test_all_open_pull_requests_come_over_several_pages(
    github: LocalGitHub, adapter: RestGitHub, shop: Repository, known: Known
) -> None:
    github.push(shop, "topic")
    numbers = {github.open_pull_request(shop, "topic").number for _ in range(102)}

    listed = adapter.open_pull_requests(known)

    assert {pull_request.number for pull_request in listed} == numbers


@pytest.mark.parametrize("fault", [faults.not_found(), faults.html(), faults.truncated()])
def test_a_broken_list_of_pull_requests_is_never_an_answer(
    github: LocalGitHub, adapter: RestGitHub, known: Known, fault: faults.Fault
) -> None:
    github.faults.plan(fault, path="/pulls", times=9)

    with pytest.raises(GitHubUnavailable):
        adapter.open_pull_requests(known)


def test_no_pull_requests_count_only_when_the_repository_is_seen(
    github: LocalGitHub, adapter: RestGitHub, known: Known
) -> None:
    github.faults.plan(faults.empty_list(), path="/pulls")
    github.faults.plan(faults.not_found(), path="/repos/acme/shop$")

    with pytest.raises(GitHubUnavailable):
        adapter.open_pull_requests(known)
