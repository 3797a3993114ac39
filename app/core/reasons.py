"""Why a revision reaches no database, in words for the person who reads the workflow's log."""

from dataclasses import dataclass

from app.core.branches import NO_UTF8
from app.core.identifiers import BranchName
from app.core.quoting import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """How things are, not a fault: the Action says it and skips (or fails, as its input says)."""

    code: str
    message: str
    advice: str


def event(name: str) -> Unreached:
    return Unreached(
        code="event",
        message=f"A workflow started by {quoted(name)} gets no database.",
        advice=(
            "Databases are given on push, workflow_dispatch, merge_group, on schedule for the "
            "default branch, and on pull_request from the same repository. Other events may run "
            "with the default branch's rights on somebody else's code."
        ),
    )


def tag(ref: str) -> Unreached:
    return Unreached(
        code="tag",
        message=f"{quoted(ref)} is a tag, and tags have no database.",
        advice="Let the workflow run on branches: `on: push: branches: ['**']`.",
    )


def impossible_branch(name: str) -> Unreached:
    if NO_UTF8 in name:
        return Unreached(
            code="impossible_branch",
            message=f"The name of the branch {quoted(name)} holds bytes that are not UTF-8.",
            advice="Rename the branch: GitHub cannot tell two such names apart.",
        )
    return Unreached(
        code="impossible_branch",
        message=f"{quoted(name)} cannot be the name of a branch.",
        advice="Start the workflow on a branch.",
    )


def schedule_elsewhere() -> Unreached:
    return Unreached(
        code="schedule",
        message="A scheduled workflow gets databases on the default branch only.",
        advice="Use push or workflow_dispatch for the databases of other branches.",
    )


def fork() -> Unreached:
    return Unreached(
        code="fork",
        message="This code comes from a fork, and forks never get a database.",
        advice=(
            "A maintainer who has read the code can push it to a branch of this repository; that "
            "branch gets a database."
        ),
    )


def merge_queue_branch() -> Unreached:
    return Unreached(
        code="merge_queue",
        message="GitHub pushed this branch for its merge queue; it gets no database of its own.",
        advice="Add `merge_group:` to the workflow's `on:` to migrate preview for the queue.",
    )


def not_merge_queue(ref: str) -> Unreached:
    return Unreached(
        code="merge_queue",
        message=f"{quoted(ref)} is not a branch of GitHub's merge queue.",
        advice="Re-run the workflow from the merge queue.",
    )


def ignored_branch(branch: BranchName) -> Unreached:
    return Unreached(
        code="ignored_branch",
        message=f"The assignment's ignore patterns match the branch {quoted(branch)}.",
        advice="Rename the branch, or ask an operator to change the app's ignore patterns.",
    )


def preview_off() -> Unreached:
    return Unreached(
        code="preview_off",
        message="This revision reaches preview only, and the assignment keeps it out of preview.",
        advice="An operator can set the app's preview policy to `shared`.",
    )


def no_test_merge(ref: str) -> Unreached:
    return Unreached(
        code="pull_request",
        message=f"This job names no open pull request: its ref is {quoted(ref)}.",
        advice="Run the workflow on pull_request types opened, reopened and synchronize.",
    )


def pull_request_closed() -> Unreached:
    return Unreached(
        code="pull_request_closed",
        message="The pull request is not open any more.",
        advice="Reopen the pull request, or run the workflow on push.",
    )


def pull_request_moved() -> Unreached:
    return Unreached(
        code="pull_request_moved",
        message="The pull request has another head by now than this workflow run.",
        advice="Nothing to do: the newer commit has a workflow run of its own.",
    )


def migrated_by_push(branch: BranchName) -> Unreached:
    return Unreached(
        code="migrated_by_push",
        message=f"The push to {quoted(branch)} migrates this commit already.",
        advice="Nothing to do. To have it once only, start the workflow on push alone.",
    )


def not_requested(reached: str, requested: str) -> Unreached:
    return Unreached(
        code="not_requested",
        message=f"This revision reaches {reached}; the workflow asked for {requested} only.",
        advice="Change the Action's `environments`, or leave it empty for all that is reached.",
    )
