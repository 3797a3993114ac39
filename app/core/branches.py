"""Branches: from refs to names, and which of them get a database."""

import re
from collections.abc import Sequence

from app.core.identifiers import BranchName
from app.core.patterns import matches_any

_PREFIX = "refs/heads/"
_MERGE_QUEUE = "gh-readonly-queue/"

# An entry of the state database's index holds about 2,700 bytes, and GitHub stops near 250.
_MAX_BYTES = 1024

NO_UTF8 = "\ufffd"
"""Stands where a ref has bytes that are not UTF-8, so that two branches could look alike."""

# https://git-scm.com/docs/git-check-ref-format. A lone `@` means HEAD to git and to GitHub's API.
_FORBIDDEN = re.compile(
    rf"""
    {NO_UTF8}
    | [\x00-\x20\x7f~^:?*\[\\]      # control characters, space, what revisions are written with
    | [\ud800-\udfff]               # no UTF-8 for these
    | \.\. | @\{{ | //
    | (^|/)\.                       # a component that begins with a dot
    | \.lock(/|\Z)
    | ^/ | /\Z | \.\Z | ^@\Z
    """,
    re.VERBOSE,
)


def branch_of_ref(ref: str) -> BranchName | None:
    """The branch that a full ref names, or None for tags, notes, pull requests and nothing.

    Exactly one `refs/heads/` is taken away: `refs/heads/refs/heads/main` is another branch than
    `refs/heads/main`.
    """
    if not ref.startswith(_PREFIX) or ref == _PREFIX:
        return None
    return BranchName(ref[len(_PREFIX) :])


def is_possible_branch(name: str) -> bool:
    """Whether git can hold a branch of this name, and JSON can carry it unharmed.

    `-rf`, `--help` and `HEAD` are possible: `git branch` refuses them, `git push` does not.
    """
    if not name or _FORBIDDEN.search(name):
        return False
    return len(name.encode("utf-8")) <= _MAX_BYTES


def is_merge_queue(branch: BranchName) -> bool:
    """Whether GitHub made this branch for its merge queue; these live for minutes."""
    return branch.startswith(_MERGE_QUEUE)


def is_ignored(branch: BranchName, *, ignore_patterns: Sequence[str]) -> bool:
    """Whether the assignment's ignore patterns say that this branch gets no database.

    The patterns mean what they mean in a workflow's `branches` filter; see `patterns.matches_any`.
    """
    return matches_any(branch, ignore_patterns)
