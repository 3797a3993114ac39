"""Failed deliveries, and asking for them again, against a receiver that fails at will."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.errors import GitHubUnavailable
from app.github.adapter import RestGitHub
from demo.github import faults
from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub
from tests.integration.github.receiver import Receiver


def recently() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=5)


def test_only_deliveries_whose_last_attempt_failed_are_told(
    github: LocalGitHub,
    adapter: RestGitHub,
    receiver: Receiver,
    shop: Repository,
    installation: Installation,
) -> None:
    github.hook.wait()
    receiver.status = 503
    github.create_branch(shop, "topic")
    github.hook.wait()
    receiver.status = 202
    github.push(shop, "topic")
    github.hook.wait()

    failed = adapter.failed_deliveries(since=recently())

    # The App's installation was a delivery too, before anything failed.
    assert {delivery.guid for delivery in failed} == set(receiver.guids[1:3])


def test_a_redelivery_keeps_the_guid_and_settles_the_matter(
    github: LocalGitHub,
    adapter: RestGitHub,
    receiver: Receiver,
    shop: Repository,
    installation: Installation,
) -> None:
    github.hook.wait()
    receiver.status = 500
    github.force_push(shop, "main", github.branch_head(shop, "main") or "")
    github.hook.wait()
    (failed,) = adapter.failed_deliveries(since=recently())
    receiver.status = 202

    adapter.redeliver(failed.id)

    github.hook.wait()
    assert receiver.guids[-2:] == [failed.guid, failed.guid]
    assert adapter.failed_deliveries(since=recently()) == []


def test_a_service_that_was_away_finds_all_that_it_missed(
    github: LocalGitHub,
    adapter: RestGitHub,
    shop: Repository,
    installation: Installation,
) -> None:
    github.webhook_url = "http://127.0.0.1:9/webhooks/github"  # nobody listens there
    head = github.branch_head(shop, "main") or ""
    for _ in range(120):
        github.force_push(shop, "main", head)
    github.hook.wait()

    failed = adapter.failed_deliveries(since=recently())

    assert len(failed) == 120


def test_deliveries_before_the_time_asked_for_are_left_out(
    github: LocalGitHub,
    adapter: RestGitHub,
    receiver: Receiver,
    shop: Repository,
    installation: Installation,
) -> None:
    receiver.status = 500
    github.push(shop, "topic")
    github.hook.wait()

    assert adapter.failed_deliveries(since=datetime.now(UTC) + timedelta(minutes=1)) == []


def test_a_delivery_that_github_forgot_is_no_error(adapter: RestGitHub) -> None:
    adapter.redeliver(1)


@pytest.mark.parametrize("fault", [faults.html(), faults.truncated(), faults.server_error()])
def test_a_broken_list_of_deliveries_is_no_answer(
    github: LocalGitHub, adapter: RestGitHub, fault: faults.Fault
) -> None:
    github.faults.plan(fault, path="/app/hook/deliveries", times=9)

    with pytest.raises(GitHubUnavailable):
        adapter.failed_deliveries(since=recently())
