"""What git has written loose, read without a process: most of what the small GitHub looks up.

Only what can be read in one way is read here; None leaves the question to `git` itself.
https://git-scm.com/docs/gitrepository-layout and https://git-scm.com/docs/git-check-ref-format
"""

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

SHA = re.compile(r"[0-9a-f]{40}")
# A part of the names that git allows; `:`, `^`, `~`, `@{` and the like mean something to it.
_PLAIN_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(/[A-Za-z0-9_][A-Za-z0-9_-]*)*")
_COMMITTER = re.compile(r"committer .*> (\d+) ([+-])(\d\d)(\d\d)")
_MOST_STEPS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What the API tells of a commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    at: str
    """ISO 8601 with an offset."""


def head(repository: Path, branch: str) -> str | None:
    """The commit of a branch with a plain name that is not packed."""
    if not _PLAIN_BRANCH.fullmatch(branch):
        return None
    try:
        text = (repository / "refs" / "heads" / branch).read_text()
    except OSError:
        return None
    return text[:40] if SHA.fullmatch(text[:40]) and text[40:] == "\n" else None


def lacks(repository: Path, branch: str) -> bool:
    """Whether there certainly is no branch of this plain name; False where only git can tell."""
    heads = repository / "refs" / "heads"
    if not _PLAIN_BRANCH.fullmatch(branch) or not heads.is_dir():
        return False
    # In this order: git writes the packed ones before it removes the loose.
    return not (heads / branch).exists() and not (repository / "packed-refs").exists()


def commit(repository: Path, sha: str) -> Commit | None:
    """The commit of a whole id, as `git show` tells it."""
    if not SHA.fullmatch(sha):
        return None
    try:
        packed = (repository / "objects" / sha[:2] / sha[2:]).read_bytes()
    except OSError:
        return None
    kind, _, content = zlib.decompress(packed).partition(b"\0")
    return _parsed(sha, content.decode()) if kind.startswith(b"commit ") else None


def _parsed(sha: str, content: str) -> Commit | None:
    header, _, message = content.partition("\n\n")
    tree, *lines = header.split("\n")
    parents = [line.removeprefix("parent ") for line in lines if line.startswith("parent ")]
    # Its author and committer and no more: signatures and encodings are git's to read.
    rest = lines[len(parents) :]
    committer = _COMMITTER.fullmatch(rest[1]) if len(rest) == 2 else None
    if committer is None:
        return None
    return Commit(
        sha=sha,
        tree=tree.removeprefix("tree "),
        parents=tuple(parents),
        message=message.strip(),
        at=_iso(int(committer[1]), committer[2], int(committer[3]), int(committer[4])),
    )


def _iso(seconds: int, sign: str, hours: int, minutes: int) -> str:
    offset = timedelta(hours=hours, minutes=minutes)
    zone = timezone(-offset if sign == "-" else offset) if offset else UTC
    return datetime.fromtimestamp(seconds, zone).isoformat()


def line_between(repository: Path, base: str, head: str) -> list[str] | None:
    """Commits after `base` up to `head`, oldest first, where each has one parent.

    `base` is then the merge base of the two. None where the line is no such one, or is long.
    """
    found: list[str] = []
    at = head
    while at != base and len(found) < _MOST_STEPS:
        known = commit(repository, at)
        if known is None or len(known.parents) != 1:
            return None
        found.append(at)
        at = known.parents[0]
    return found[::-1] if at == base and commit(repository, base) is not None else None
