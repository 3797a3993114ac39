"""Pull requests and merge groups."""

from demo.github import payloads
from demo.github.control.base import Control
from demo.github.model import Account, PullRequest, Repository


class PullRequestControl(Control):
    """Pull requests, from the same repository or from forks."""

    def open_pull_request(
        self,
        repository: Repository,
        branch: str,
        *,
        base: str | None = None,
        head_repository: Repository | None = None,
        author: Account | None = None,
    ) -> PullRequest:
        """Ask for `branch` (of `head_repository`, by default the same) to be merged."""
        with self.context.state.lock:
            head = head_repository or repository
            sha = head.git.head(branch)
            if sha is None:
                raise ValueError(f"there is no branch {branch} in {head.full_name}")
            if head is not repository:
                repository.git.fetch(head.git, sha)
            record = PullRequest(
                id=self.context.state.new_id(),
                number=repository.next_number,
                title=f"Merge {branch}",
                author=author or self.user("mona"),
                base=repository,
                base_branch=base or repository.default_branch,
                head=head,
                head_branch=branch,
                head_sha=sha,
                created_at=self._now(),
            )
            repository.next_number += 1
            self.context.state.pull_requests[repository.id, record.number] = record
            repository.git.set_reference(f"refs/pull/{record.number}/head", sha)
            self._tell_pull_request(record, "opened")
        return record

    def close(self, record: PullRequest, *, merged: bool = False) -> None:
        with self.context.state.lock:
            record.is_open, record.is_merged = False, merged
            self._tell_pull_request(record, "closed")

    def reopen(self, record: PullRequest) -> None:
        with self.context.state.lock:
            record.is_open = True
            if record.head is not None:
                record.head_sha = record.head.git.head(record.head_branch) or record.head_sha
            self._tell_pull_request(record, "reopened")

    def test_merge(self, record: PullRequest) -> str:
        """The commit at refs/pull/N/merge: what a `pull_request` run checks out."""
        with self.context.state.lock:
            base = record.base.git.head(record.base_branch) or ""
            sha = record.base.git.commit(
                parents=[record.head_sha, base], message=f"Merge {record.head_sha} into {base}"
            )
            record.base.git.set_reference(f"refs/pull/{record.number}/merge", sha)
        return sha

    def queue_merge(self, record: PullRequest) -> str:
        """Put a pull request into the merge queue; the name of the queue's branch."""
        with self.context.state.lock:
            git = record.base.git
            base = git.head(record.base_branch) or ""
            branch = f"gh-readonly-queue/{record.base_branch}/pr-{record.number}-{base}"
            git.set_branch(branch, git.commit(parents=[base, record.head_sha], message="Merge"))
            parts = payloads.merge_group(record.base, branch=branch, base_branch=record.base_branch)
            self._announce("merge_group", record.base, action="checks_requested", **parts)
        return branch

    def _tell_pull_request(self, record: PullRequest, action: str) -> None:
        parts = payloads.pull_request(self.context, record)
        self._announce("pull_request", record.base, sender=record.author, action=action, **parts)
