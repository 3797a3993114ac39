"""Webhook payloads become events, and hostile ones become nothing worse than a refusal."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.core.events import (
    BranchCreated,
    BranchDeleted,
    BranchPushed,
    ButtonPressed,
    InstallationChanged,
    MergeGroupRequested,
    PullRequestChanged,
    RepositoryChanged,
    WorkflowCompleted,
)
from app.core.payloads import MalformedPayload, parse_event

EXAMPLES_FILE = (
    Path(__file__).parents[2]
    / "build/octokit/node_modules/@octokit/webhooks-examples/api.github.com/index.json"
)
REPOSITORY = {
    "id": 42,
    "owner": {"id": 7, "login": "acme"},
    "full_name": "acme/shop",
    "default_branch": "main",
}
PULL_REQUEST = {
    "number": 5,
    "state": "open",
    "head": {"ref": "feature/login", "sha": "a" * 40, "repo": {"id": 42}},
}
SENDER = {"id": 3, "login": "ada"}


def payload(**fields: Any) -> dict[str, Any]:
    return {"repository": REPOSITORY, "installation": {"id": 1}, "sender": SENDER, **fields}


HANDLED = [
    ("push", payload(ref="refs/heads/x", after="a" * 40, deleted=False), BranchPushed),
    ("push", payload(ref="refs/heads/x", after="0" * 40, deleted=True), BranchDeleted),
    ("create", payload(ref="x", ref_type="branch"), BranchCreated),
    ("delete", payload(ref="x", ref_type="branch"), BranchDeleted),
    ("pull_request", payload(action="opened", pull_request=PULL_REQUEST), PullRequestChanged),
    (
        "merge_group",
        payload(action="checks_requested", merge_group={"head_sha": "a" * 40}),
        MergeGroupRequested,
    ),
    (
        "check_run",
        payload(
            action="requested_action",
            check_run={"external_id": "17"},
            requested_action={"identifier": "fix"},
        ),
        ButtonPressed,
    ),
    ("check_run", payload(action="rerequested", check_run={"external_id": "17"}), ButtonPressed),
    (
        "workflow_run",
        payload(action="completed", workflow_run={"id": 9, "run_attempt": 1, "head_sha": "a" * 40}),
        WorkflowCompleted,
    ),
    ("repository", payload(action="renamed"), RepositoryChanged),
    ("installation", payload(action="suspend"), InstallationChanged),
    ("installation_repositories", payload(action="removed"), InstallationChanged),
]
IGNORED = [
    ("ping", payload(zen="Keep it logically awesome.")),
    ("star", payload(action="created")),
    ("pull_request", payload(action="labeled", pull_request=PULL_REQUEST)),
    ("push", payload(ref="refs/tags/v1", after="a" * 40)),
    ("push", payload(ref="refs/notes/commits", after="a" * 40)),
    ("push", payload(ref="refs/heads/a\ufffdb", after="a" * 40)),
    ("push", payload(ref="refs/heads/a..b", after="a" * 40)),
    ("create", payload(ref="v1", ref_type="tag")),
    ("delete", payload(ref="v1", ref_type="tag")),
    ("check_run", payload(action="rerequested", check_run={"external_id": "not ours"})),
    ("merge_group", payload(action="destroyed", merge_group={"head_sha": "a" * 40})),
]


@pytest.mark.parametrize(("name", "body", "kind"), HANDLED)
def test_an_event_of_the_contract_is_understood(name: str, body: Any, kind: type) -> None:
    event = parse_event(name, body)

    assert type(event) is kind


@pytest.mark.parametrize(("name", "body"), IGNORED)
def test_what_is_not_handled_is_ignored(name: str, body: Any) -> None:
    assert parse_event(name, body) is None


def test_only_one_prefix_is_taken_off_a_pushed_ref() -> None:
    event = parse_event("push", payload(ref="refs/heads/refs/heads/main", after="a" * 40))

    assert isinstance(event, BranchPushed)
    assert event.branch == "refs/heads/main"


def test_a_pull_request_of_a_deleted_fork_has_no_head_repository() -> None:
    head = {**PULL_REQUEST["head"], "repo": None}  # type: ignore[dict-item]
    body = payload(action="closed", pull_request={**PULL_REQUEST, "state": "closed", "head": head})

    event = parse_event("pull_request", body)

    assert isinstance(event, PullRequestChanged)
    assert event.pull_request.head_repository_id is None
    assert not event.pull_request.is_open


@pytest.mark.parametrize("identity", [True, 1.0, "1", None, 0, -1, 2**70, [1], {"id": 1}])
def test_an_id_of_another_type_is_refused(identity: Any) -> None:
    body = payload(ref="refs/heads/x", after="a" * 40, repository={**REPOSITORY, "id": identity})

    with pytest.raises(MalformedPayload):
        parse_event("push", body)


@pytest.mark.parametrize("name", ["a\0b", "\ud800", 7, None])
def test_text_that_the_database_cannot_hold_is_refused(name: Any) -> None:
    body = payload(ref="refs/heads/x", after="a" * 40, repository={**REPOSITORY, "full_name": name})

    with pytest.raises(MalformedPayload):
        parse_event("push", body)


@pytest.mark.parametrize(("name", "body", "kind"), HANDLED)
def test_any_key_may_be_missing_without_a_crash(name: str, body: Any, kind: type) -> None:
    for spoiled in _without_each_key(body):
        try:
            event = parse_event(name, spoiled)
        except MalformedPayload:
            continue
        assert event is None or isinstance(event, (kind, BranchPushed))


@pytest.mark.skipif(
    not EXAMPLES_FILE.exists(), reason="script/setup could not install npm packages"
)
def test_every_published_example_of_a_handled_event_is_understood() -> None:
    published = json.loads(EXAMPLES_FILE.read_text())
    seen = set()

    for entry in published:
        for example in entry["examples"]:
            if parse_event(entry["name"], example) is not None:
                seen.add(entry["name"])

    assert {
        "push",
        "pull_request",
        "check_suite",
        "workflow_run",
        "workflow_job",
        "repository",
        "installation",
        "installation_repositories",
    } <= seen


def _without_each_key(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        return []
    spoiled: list[Any] = []
    for key in value:
        spoiled.append({other: value[other] for other in value if other != key})
        spoiled.append({**value, key: None})
        spoiled += [{**value, key: inner} for inner in _without_each_key(value[key])]
    return spoiled
