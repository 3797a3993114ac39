"""The local GitHub delivers events as GitHub does, and as tests need it to."""

import hashlib
import hmac
import json
import subprocess
from pathlib import Path

from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub
from tests.integration.github.receiver import Receiver


def test_a_delivery_is_signed_and_named_as_githubs_are(
    github: LocalGitHub, receiver: Receiver, shop: Repository, installation: Installation
) -> None:
    github.create_branch(shop, "topic")
    github.hook.wait()

    created = next(each for each in receiver.received if each.headers["X-GitHub-Event"] == "create")
    body = created.get_data()
    digest = hmac.new(github.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert created.headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert created.headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert created.headers["Content-Type"] == "application/json"
    assert json.loads(body)["ref"] == "topic"


def test_events_arrive_in_the_order_in_which_they_happened(
    github: LocalGitHub, receiver: Receiver, shop: Repository, installation: Installation
) -> None:
    github.push(shop, "topic")
    github.delete_branch(shop, "topic")
    github.hook.wait()

    assert receiver.events == ["installation", "create", "push", "delete", "push"]


def test_held_deliveries_can_be_reordered_doubled_and_lost(
    github: LocalGitHub, receiver: Receiver, shop: Repository, installation: Installation
) -> None:
    github.hook.wait()
    receiver.received.clear()
    github.hook.hold()
    github.push(shop, "topic")
    github.delete_branch(shop, "topic")
    create, push, delete, _lost = github.hook.held()

    github.hook.release([delete, create, push, create])
    github.hook.wait()

    assert receiver.events == ["delete", "create", "push", "create"]
    assert receiver.guids == [delete.guid, create.guid, push.guid, create.guid]


def test_a_failed_delivery_is_logged_and_not_sent_again(
    github: LocalGitHub, receiver: Receiver, shop: Repository, installation: Installation
) -> None:
    github.hook.wait()
    receiver.status = 500
    github.create_branch(shop, "topic")
    github.hook.wait()

    logged = [(each.event, each.status_code, each.status) for each in github.deliveries[-2:]]
    assert logged == [
        ("create", 500, "Invalid HTTP Response: 500"),
        ("push", 500, "Invalid HTTP Response: 500"),
    ]
    assert len(set(receiver.guids)) == len(receiver.guids)


def test_a_suspended_installation_is_told_of_nothing_but_its_suspension(
    github: LocalGitHub, receiver: Receiver, shop: Repository, installation: Installation
) -> None:
    github.suspend(installation)
    github.push(shop, "topic")
    github.unsuspend(installation)
    github.hook.wait()

    assert receiver.events == ["installation"] * 3


def test_a_real_git_push_is_an_event(
    github: LocalGitHub,
    receiver: Receiver,
    shop: Repository,
    installation: Installation,
    *,
    tmp_path: Path,
) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=mona", "-c", "user.email=mona@example.com")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    git("clone", "--quiet", str(shop.git.path), ".")
    git("checkout", "--quiet", "-b", "feature/login")
    git("commit", "--quiet", "--allow-empty", "--message", "Begin")
    git("push", "--quiet", "origin", "feature/login")
    git("push", "--quiet", "origin", ":feature/login")

    github.hook.wait()
    assert receiver.events == ["installation", "create", "push", "delete", "push"]
    assert json.loads(receiver.received[1].get_data())["ref"] == "feature/login"
