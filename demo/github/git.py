"""A bare git repository on disk, through the `git` program.

What takes no judgement is read without a process (`loose`): a page or an event asks a dozen times.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4

from demo.github import loose
from demo.github.loose import Commit

ZERO_SHA = "0" * 40
_CONFIGURATION = """[receive]
	denyDeleteCurrent = ignore
[uploadpack]
	allowAnySHA1InWant = true
"""
_AUTHOR = "Mona Lisa <mona@example.com>"


class GitRefused(Exception):
    """git did not do what it was asked; the text is git's own."""


class GitRepository:
    """Every method is at most two git processes; none keeps state of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, *, default_branch: str) -> None:
        """Make the folder; configuration of the machine is not read, and no sample hook copied."""
        (self.path / "hooks").mkdir(parents=True)
        branch = f"--initial-branch={default_branch}"
        self._git("init", "--quiet", "--bare", "--template=", branch)
        with (self.path / "config").open("a") as configuration:
            configuration.write(_CONFIGURATION)

    def branches(self) -> dict[str, str]:
        """Branch name to head commit, in git's order (by bytes)."""
        listing = self._git("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/")
        pairs = (line.split(" ", 1) for line in listing.splitlines())
        return {name.removeprefix("refs/heads/"): sha for sha, name in pairs}

    def head(self, branch: str) -> str | None:
        """The commit of a branch, or None when there is no such branch."""
        sha = loose.head(self.path, branch)
        if sha is not None or loose.lacks(self.path, branch):
            return sha
        return self._resolve(f"refs/heads/{branch}")

    def knows(self, sha: str) -> bool:
        """Whether the whole commit id exists here."""
        if loose.SHA.fullmatch(sha) is None:
            return False
        is_loose = loose.commit(self.path, sha) is not None
        return is_loose or self._resolve(f"{sha}^{{commit}}") is not None

    def commit_of(self, reference: str) -> str | None:
        """The commit that a whole id or a branch name means, as GitHub reads one."""
        return reference if self.knows(reference) else self.head(reference)

    def commit(
        self,
        *,
        parents: Iterable[str] = (),
        files: Mapping[str, str | None] | None = None,
        message: str = "Change",
    ) -> str:
        """Write a commit with the first parent's files and `files` over them; moves no branch.

        Files that are None are removed.
        """
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
            removed, written = f"D {path}\n", f"M 100644 inline {path}\n"
            stream.append(removed if text is None else written + _data(text))
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
        if (known := loose.commit(self.path, sha)) is not None:
            return known
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
        if loose.line_between(self.path, base, head) is not None:
            return base
        try:
            return self._git("merge-base", base, head)
        except GitRefused:
            return None

    def commits_between(self, base: str, head: str) -> list[str]:
        """Commits that `head` has and `base` has not, oldest first."""
        line = loose.line_between(self.path, base, head)
        if line is not None:
            return line
        return self._git("rev-list", "--reverse", f"{base}..{head}").split()

    def difference(self, base: str, head: str) -> str:
        """What differs between two commits, as `git diff-tree` tells it with NUL between fields."""
        form = ("-r", "-M", "--raw", "--numstat", "--no-abbrev", "-z")
        return self._git("diff-tree", *form, base, head)

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
