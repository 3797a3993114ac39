"""The local GitHub's events against GitHub's own description and real examples."""

from collections import defaultdict

import pytest

from app.github.adapter import RestGitHub
from demo.github import description
from demo.github.server import LocalGitHub
from tests.integration.github import examples, story

pytestmark = pytest.mark.skipif(
    description.find() is None, reason="GitHub's description needs npm: see script/setup"
)

EVENTS = {
    "check_run.completed",
    "check_run.created",
    "check_run.requested_action",
    "check_run.rerequested",
    "check_suite.rerequested",
    "create",
    "delete",
    "installation.created",
    "installation.deleted",
    "installation.suspend",
    "installation.unsuspend",
    "installation_repositories.added",
    "installation_repositories.removed",
    "issue_comment.created",
    "issue_comment.deleted",
    "issue_comment.edited",
    "merge_group.checks_requested",
    "ping",
    "pull_request.closed",
    "pull_request.opened",
    "pull_request.reopened",
    "pull_request.synchronize",
    "push",
    "repository.archived",
    "repository.deleted",
    "repository.edited",
    "repository.privatized",
    "repository.publicized",
    "repository.renamed",
    "repository.transferred",
    "repository.unarchived",
    "workflow_job.completed",
    "workflow_job.in_progress",
    "workflow_run.completed",
    "workflow_run.in_progress",
    "workflow_run.requested",
}

# GitHub's description lists the events of an App without this one, which exists.
KNOWN_GAP = "'merge_group' is not one of"


def test_every_event_is_sent_and_is_as_github_describes_it(
    github: LocalGitHub, adapter: RestGitHub
) -> None:
    described = description.find()
    assert described is not None

    story.tell(github, adapter)

    sent = {examples.key(each.event, each.payload) for each in github.deliveries}
    problems = {
        problem
        for each in github.deliveries
        for problem in described.problems_of_event(each.event, each.payload)
        if KNOWN_GAP not in problem
    }
    assert sent == EVENTS
    assert problems == set()


def test_every_event_has_the_fields_and_types_of_real_ones(
    github: LocalGitHub, adapter: RestGitHub
) -> None:
    real = examples.shapes()

    story.tell(github, adapter)

    for each in github.deliveries:
        key = examples.key(each.event, each.payload)
        # Most examples of ping are of repositories' own webhooks, not of an App's.
        if key in real and key != "ping":
            ours = examples.shape(each.payload)
            assert (key, _missing(ours, real[key])) == (key, set())
            assert (key, _of_other_types(ours, real[key])) == (key, {})


def _missing(ours: examples.Shape, real: list[examples.Shape]) -> set[str]:
    """Fields that every example has; inside lists and optional objects it depends on the case."""
    common = set.intersection(*(set(shape) for shape in real)) - set(ours)
    optional = (
        "[]",
        ".permissions.",
        ".license.",
        ".repo.custom_properties",
        ".issue.milestone.",
        ".issue.assignee.",
    )
    return {path for path in common if not any(each in path for each in optional)}


def _of_other_types(ours: examples.Shape, real: list[examples.Shape]) -> dict[str, set[str]]:
    """Fields whose type no example has; null says nothing about the type."""
    seen: examples.Shape = defaultdict(set)
    for shape in real:
        for path, kinds in shape.items():
            seen[path] |= kinds
    odd = {
        path: kinds - seen[path] - {"NoneType"}
        for path, kinds in ours.items()
        if path in seen and seen[path] != {"NoneType"}
    }
    # Older examples have seconds where GitHub's description, which is newer, has text.
    dates = (".installation.created_at", ".installation.updated_at")
    return {path: kinds for path, kinds in odd.items() if kinds and path not in dates}
