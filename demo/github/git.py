"""A bare git repository on disk, through the `git` program: ancestry is git's own answer."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

ZERO_SHA = "0" * 40
_SHA = re.compile(r"[0-9a-f]{40}")
_CONFIGURATION = """[receive]
	denyDeleteCurrent = ignore
[uploadpack]
	allowAnySHA1InWant = true
"""
_AUTHOR = "Mona Lisa <mona@example.com>"


class GitRefused(Exception):
    """git did not do what it was asked; the text is git's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What the API tells of a commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    at: str
    """ISO 8601 with an offset."""


class GitRepository:
    """Every method is one or two git processes; none keeps state of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, *, default_branch: str) -> None:
        """Make the folder; configuration of the machine is not read."""
        self.path.mkdir(parents=True)
        self._git("init", "--quiet", "--bare", f"--initial-branch={default_branch}")
        with (self.path / "config").open("a") as configuration:
            configuration.write(_CONFIGURATION)

    def branches(self) -> dict[str, str]:
        """Branch name to head commit, in git's order (by bytes)."""
        listing = self._git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/")
        pairs = (line.split(" ", 1) for line in listing.splitlines())
        return {name.removeprefix("refs/heads/"): sha for sha, name in pairs}

    def head(self, branch: str) -> str | None:
        """The commit of a branch, or None when there is no such branch."""
        return self._resolve(f"refs/heads/{branch}")

    def knows(self, sha: str) -> bool:
        """Whether the whole commit id exists here."""
        return _SHA.fullmatch(sha) is not None and self._resolve(f"{sha}^{{commit}}") is not None

    def commit_of(self, reference: str) -> str | None:
        """The commit that a whole id or a branch name means, as GitHub reads one."""
        return reference if self.knows(reference) else self.head(reference)

    def commit(
        self,
        *,
        parents: Iterable[str] = (),
        files: Mapping[str, str] | None = None,
        message: str = "Change",
    ) -> str:
        """Write a commit with the first parent's files and `files` over them; moves no branch."""
        parent_ids = list(parents)
        # Two may be made at once, and neither may find its reference moved by the other.
        stream = [
            f"commit refs/coppice/{uuid4().hex}\nmark :1\ncommitter {_AUTHOR} now\n{_data(message)}"
        ]
        stream += [
            f"{'from' if position == 0 else 'merge'} {sha}\n"
            for position, sha in enumerate(parent_ids)
        ]
        for path, text in (files or {}).items():
            stream.append(f"M 100644 inline {path}\n{_data(text)}")
        stream.append("\nget-mark :1\ndone\n")
        arguments = ("fast-import", "--quiet", "--force", "--done", "--date-format=now")
        return self._git(*arguments, input_text="".join(stream))

    def set_branch(self, branch: str, sha: str) -> None:
        """Create or move a branch. Raises GitRefused for a name that git does not allow."""
        self._git("update-ref", f"refs/heads/{branch}", sha)

    def set_branches(self, heads: Mapping[str, str]) -> None:
        """Create or move many branches in one step."""
        lines = [f"update refs/heads/{branch} {sha}\n" for branch, sha in heads.items()]
        self._git("update-ref", "--stdin", input_text="".join(lines))

    def set_reference(self, reference: str, sha: str) -> None:
        """Create or move any reference, such as a pull request's test merge."""
        self._git("update-ref", reference, sha)

    def delete_branch(self, branch: str) -> None:
        self._git("update-ref", "-d", f"refs/heads/{branch}")

    def set_default_branch(self, branch: str) -> None:
        self._git("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def fetch(self, other: "GitRepository", sha: str) -> None:
        """Take a commit from a fork, as GitHub does for a pull request."""
        self._git("fetch", "--quiet", str(other.path), sha)

    def show(self, sha: str) -> Commit:
        """Raises GitRefused for an unknown commit."""
        text = self._git("show", "--no-patch", "--format=%H%n%T%n%P%n%cI%n%B", sha)
        full, tree, parents, at, *message = text.split("\n")
        return Commit(
            sha=full,
            tree=tree,
            parents=tuple(parents.split()),
            message="\n".join(message).strip(),
            at=at,
        )

    def files(self, sha: str, folder: str) -> list[str]:
        """Paths of the files right in a folder of a commit; none where there is no such folder."""
        return self._git("ls-tree", "--name-only", "--full-tree", sha, f"{folder}/").splitlines()

    def text(self, sha: str, path: str) -> str:
        """A file of a commit. Raises GitRefused where it has none."""
        return self._git("show", f"{sha}:{path}")

    def merge_base(self, base: str, head: str) -> str | None:
        """The best common ancestor, or None for unrelated histories."""
        try:
            return self._git("merge-base", base, head)
        except GitRefused:
            return None

    def commits_between(self, base: str, head: str) -> list[str]:
        """Commits that `head` has and `base` has not, oldest first."""
        return self._git("rev-list", "--reverse", f"{base}..{head}").split()

    def _resolve(self, expression: str) -> str | None:
        try:
            return self._git("rev-parse", "--verify", "--quiet", "--end-of-options", expression)
        except GitRefused:
            return None

    def _git(self, *arguments: str, input_text: str | None = None) -> str:
        finished = subprocess.run(
            ["git", "--git-dir", str(self.path), *arguments],
            input=None if input_text is None else input_text.encode(),
            stdin=subprocess.DEVNULL if input_text is None else None,
            capture_output=True,
            env=_environment(),
            # A terminal's Ctrl-C is for us: a request that is being answered is answered.
            start_new_session=True,
            check=False,
        )
        if finished.returncode != 0:
            raise GitRefused(finished.stderr.decode(errors="replace").strip())
        return finished.stdout.decode().rstrip("\n")


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"


def _environment() -> dict[str, str]:
    """The program's path and nothing of the user's configuration or of a surrounding git."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "Mona Lisa",
        "GIT_AUTHOR_EMAIL": "mona@example.com",
        "GIT_COMMITTER_NAME": "Mona Lisa",
        "GIT_COMMITTER_EMAIL": "mona@example.com",
    }
