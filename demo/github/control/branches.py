"""Branches: people push, make, move and delete them."""

from collections.abc import Mapping

from demo.github import payloads
from demo.github.control.base import Control
from demo.github.git import ZERO_SHA
from demo.github.model import Account, Repository


class BranchControl(Control):
    """Every change sends what GitHub sends: `create` or `delete`, `push`, `synchronize`."""

    def push(
        self,
        repository: Repository,
        branch: str,
        *,
        files: Mapping[str, str | None] | None = None,
        message: str | None = None,
        sender: Account | None = None,
    ) -> str:
        """Commit on a branch, made from the default branch when it is new; the new commit's id."""
        with self.context.state.lock:
            git = repository.git
            before = git.head(branch)
            parent = before or git.head(repository.default_branch)
            # Two commits of one second and one parent would otherwise be the same commit.
            text = message or f"Change {self.context.state.new_id()}"
            sha = git.commit(parents=[parent] if parent else [], files=files, message=text)
            self._move(repository, branch, before=before, after=sha, sender=sender)
        return sha

    def create_branch(
        self,
        repository: Repository,
        branch: str,
        *,
        sha: str | None = None,
        sender: Account | None = None,
    ) -> str:
        """A branch at a commit, by default at the default branch's head."""
        with self.context.state.lock:
            at = sha or repository.git.head(repository.default_branch) or ""
            before = repository.git.head(branch)
            self._move(repository, branch, before=before, after=at, sender=sender)
        return at

    def force_push(self, repository: Repository, branch: str, sha: str) -> None:
        """Move a branch to any commit."""
        with self.context.state.lock:
            self._move(repository, branch, before=repository.git.head(branch), after=sha)

    def create_branches(self, repository: Repository, names: list[str]) -> None:
        """Many branches at the default branch's head, without an event: GitHub sends none then."""
        with self.context.state.lock:
            head = repository.git.head(repository.default_branch) or ""
            repository.git.set_branches(dict.fromkeys(names, head))

    def delete_branch(
        self, repository: Repository, branch: str, *, sender: Account | None = None
    ) -> None:
        with self.context.state.lock:
            before = repository.git.head(branch)
            self._move(repository, branch, before=before, after=None, sender=sender)

    def branch_head(self, repository: Repository, branch: str) -> str | None:
        return repository.git.head(branch)

    def rename_branch(self, repository: Repository, branch: str, name: str) -> None:
        """As in GitHub's settings: the former name redirects, pull requests follow."""
        with self.context.state.lock:
            head = repository.git.head(branch)
            self._move(repository, name, before=None, after=head)
            for record in self.context.state.pull_requests.values():
                if record.head is repository and record.head_branch == branch:
                    record.head_branch = name
            repository.former_branches[branch] = name
            self._move(repository, branch, before=head, after=None)

    def protect(self, repository: Repository, branch: str) -> None:
        with self.context.state.lock:
            repository.protected_branches.add(branch)

    def received(self, repository: Repository, changes: str) -> None:
        """A real `git push` has moved references: lines of `before after reference`."""
        with self.context.state.lock:
            for line in changes.splitlines():
                before, after, reference = line.split(" ", 2)
                if reference.startswith("refs/heads/"):
                    self._announce_move(
                        repository,
                        reference.removeprefix("refs/heads/"),
                        before=None if before == ZERO_SHA else before,
                        after=None if after == ZERO_SHA else after,
                    )

    def _move(
        self,
        repository: Repository,
        branch: str,
        *,
        before: str | None,
        after: str | None,
        sender: Account | None = None,
    ) -> None:
        if after is None:
            repository.git.delete_branch(branch)
        else:
            repository.git.set_branch(branch, after)
        self._announce_move(repository, branch, before=before, after=after, sender=sender)

    def _announce_move(
        self,
        repository: Repository,
        branch: str,
        *,
        before: str | None,
        after: str | None,
        sender: Account | None = None,
    ) -> None:
        """`create` or `delete`, then `push`, and what becomes of pull requests with this head."""
        words = {"ref": branch, "ref_type": "branch", "pusher_type": "user"}
        if before is None:
            repository.former_branches.pop(branch, None)  # it is a branch's own name again
            described = {"master_branch": repository.default_branch, "description": None}
            self._announce("create", repository, sender=sender, **words, **described)
        if after is None:
            self._announce("delete", repository, sender=sender, **words)
        parts = payloads.push(self.context, repository, branch=branch, before=before, after=after)
        self._announce("push", repository, sender=sender, **parts)
        if after is None:
            self._close_with(repository, branch)
        if before is not None and after is not None:
            self._synchronize(repository, branch, before=before, after=after)

    def _close_with(self, repository: Repository, branch: str) -> None:
        """GitHub closes the pull requests of a branch that is deleted."""
        for record in self.context.state.pull_requests.values():
            if record.is_open and record.head is repository and record.head_branch == branch:
                record.is_open = False
                parts = payloads.pull_request(self.context, record)
                self._announce(
                    "pull_request", record.base, sender=record.author, action="closed", **parts
                )

    def _synchronize(self, repository: Repository, branch: str, *, before: str, after: str) -> None:
        for record in self.context.state.pull_requests.values():
            if record.is_open and record.head is repository and record.head_branch == branch:
                if record.base is not repository:
                    record.base.git.fetch(repository.git, after)
                record.head_sha = after
                parts = payloads.pull_request(self.context, record)
                self._announce(
                    "pull_request",
                    record.base,
                    sender=record.author,
                    action="synchronize",
                    before=before,
                    after=after,
                    **parts,
                )
