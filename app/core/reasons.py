"""Why a branch or a revision has no database: the same sentence wherever people read it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.core.branches import NO_UTF8, is_ignored, is_merge_queue, is_possible_branch
from app.core.identifiers import BranchName
from app.core.markdown import code as in_code
from app.core.markdown import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """How things are, not a fault: the Action says it and skips (or fails, as its input says)."""

    code: str
    text: str
    """A sentence; `{}` stands for the name."""
    advice: str
    name: str = ""
    """What a stranger called a branch, a tag or an event."""

    def of(self, name: str) -> "Unreached":
        return replace(self, name=name)

    @property
    def message(self) -> str:
        """The sentence as plain text, for logs and JSON."""
        return self.text.format(quoted(self.name))

    @property
    def markdown(self) -> str:
        """Sentence and advice for GitHub's checks and comments."""
        return f"{self.text.format(in_code(self.name))} {self.advice}"


ITS_PRODUCTION = Unreached(
    code="default_branch",
    text="{} is the default branch: its database is production.",
    advice="No comment touches or shows that one; name production where it is meant.",
)
NOT_ASSIGNED = Unreached(
    code="not_assigned",
    text="No app of this repository is assigned to an instance.",
    advice="Whoever maintains it assigns one on the dashboard, or with `coppice apps assign`.",
)
DORMANT = Unreached(
    code="dormant",
    text="This branch has no database now.",
    advice="A push makes one, and so does `/db fix`.",
)
EVENT = Unreached(
    code="event",
    text="A workflow started by {} gets no database.",
    advice="Databases are given on push, workflow_dispatch, merge_group, on schedule for the "
    "default branch, and on pull_request from the same repository. Other events may run "
    "with the default branch's rights on somebody else's code.",
)
TAG = Unreached(
    code="tag",
    text="{} is a tag, and tags have no database.",
    advice="Let the workflow run on branches: `on: push: branches: ['**']`.",
)
SCHEDULE_ELSEWHERE = Unreached(
    code="schedule",
    text="A scheduled workflow gets databases on the default branch only.",
    advice="Use push or workflow_dispatch for the databases of other branches.",
)
FORK = Unreached(
    code="fork",
    text="This code comes from a fork, and forks never get a database.",
    advice="A maintainer who has read the code can push it to a branch of this repository; that "
    "branch gets a database.",
)
MERGE_QUEUE_BRANCH = Unreached(
    code="merge_queue",
    text="GitHub pushed this branch for its merge queue; it gets no database of its own.",
    advice="Add `merge_group:` to the workflow's `on:` to migrate preview for the queue.",
)
NOT_MERGE_QUEUE = Unreached(
    code="merge_queue",
    text="{} is not a branch of GitHub's merge queue.",
    advice="Re-run the workflow from the merge queue.",
)
IGNORED_BRANCH = Unreached(
    code="ignored_branch",
    text="The assignment's ignore patterns match the branch {}.",
    advice="Rename the branch, or ask an operator to change the app's ignore patterns.",
)
PREVIEW_OFF = Unreached(
    code="preview_off",
    text="This revision reaches preview only, and the assignment keeps it out of preview.",
    advice="An operator can set the app's preview policy to `shared`.",
)
NO_TEST_MERGE = Unreached(
    code="pull_request",
    text="This job names no open pull request: its ref is {}.",
    advice="Run the workflow on pull_request types opened, reopened and synchronize.",
)
PULL_REQUEST_CLOSED = Unreached(
    code="pull_request_closed",
    text="The pull request is not open any more.",
    advice="Reopen the pull request, or run the workflow on push.",
)
PULL_REQUEST_MOVED = Unreached(
    code="pull_request_moved",
    text="The pull request has another head by now than this workflow run.",
    advice="Nothing to do: the newer commit has a workflow run of its own.",
)
MIGRATED_BY_PUSH = Unreached(
    code="migrated_by_push",
    text="The push to {} migrates this commit already.",
    advice="Nothing to do. To have it once only, start the workflow on push alone.",
)
IMPOSSIBLE_BRANCH = Unreached(
    code="impossible_branch",
    text="{} cannot be the name of a branch.",
    advice="Start the workflow on a branch.",
)
NO_UTF8_BRANCH = Unreached(
    code="impossible_branch",
    text="The name of the branch {} holds bytes that are not UTF-8.",
    advice="Rename the branch: GitHub cannot tell two such names apart.",
)


def without_database(
    branch: BranchName,
    *,
    default_branch: BranchName | None,
    ignore_patterns: Sequence[str],
    is_from_fork: bool = False,
) -> Unreached | None:
    """Why a branch has no database of its own; None: it gets one.

    Args:
        branch: Of the repository, or of a fork.
        default_branch: The live one; None: GitHub cannot say, and the caller has looked.
        ignore_patterns: The assignment's; see `branches.is_ignored`.
        is_from_fork: The branch is another repository's.
    """
    if is_from_fork:
        return FORK
    if branch == default_branch:
        return ITS_PRODUCTION.of(branch)
    if not is_possible_branch(branch):
        return impossible_branch(branch)
    if is_merge_queue(branch):
        return MERGE_QUEUE_BRANCH
    if is_ignored(branch, ignore_patterns=ignore_patterns):
        return IGNORED_BRANCH.of(branch)
    return None


def is_provisioned(
    branch: BranchName, *, default_branch: BranchName, ignore_patterns: Sequence[str]
) -> bool:
    """Whether a branch of the repository gets a database of its own."""
    why = without_database(branch, default_branch=default_branch, ignore_patterns=ignore_patterns)
    return why is None


def impossible_branch(name: str) -> Unreached:
    return (NO_UTF8_BRANCH if NO_UTF8 in name else IMPOSSIBLE_BRANCH).of(name)


def not_requested(reached: str, requested: str) -> Unreached:
    return Unreached(
        code="not_requested",
        text=f"This revision reaches {reached}; the workflow asked for {requested} only.",
        advice="Change the Action's `environments`, or leave it empty for all that is reached.",
    )
