"""Repositories and their branches."""

import shlex
import sys
from collections.abc import Mapping

from demo.github.control.branches import BranchControl
from demo.github.git import GitRepository
from demo.github.model import Account, Repository
from demo.github.objects import accounts

_POST_RECEIVE = """#!/bin/sh
exec {python} -c '
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request("{url}", data=sys.stdin.buffer.read()))
'
"""


class RepositoryControl(BranchControl):
    """Repositories are addressed by the record that `create_repository` gave."""

    def create_repository(
        self,
        full_name: str,
        *,
        private: bool = True,
        default_branch: str = "main",
        organization: bool = True,
        files: Mapping[str, str] | None = None,
    ) -> Repository:
        """A repository with one commit on its default branch; nothing is announced."""
        login, _, name = full_name.partition("/")
        with self.context.state.lock:
            owner = self.account(login, type="Organization" if organization else "User")
            repository = self._new(owner, name, private=private, default_branch=default_branch)
            first = repository.git.commit(files=files or {"README.md": name}, message="First")
            repository.git.set_branch(default_branch, first)
        return repository

    def fork(self, repository: Repository, *, owner: Account) -> Repository:
        """A copy with the default branch's history, of the same visibility."""
        with self.context.state.lock:
            copy = self._new(
                owner,
                repository.name,
                private=repository.is_private,
                default_branch=repository.default_branch,
            )
            copy.fork_of = repository.id
            head = repository.git.head(repository.default_branch) or ""
            copy.git.fetch(repository.git, head)
            copy.git.set_branch(copy.default_branch, head)
        return copy

    def change_default_branch(self, repository: Repository, branch: str) -> None:
        with self.context.state.lock:
            changes = {"default_branch": {"from": repository.default_branch}}
            repository.default_branch = branch
            repository.git.set_default_branch(branch)
            self._announce("repository", repository, action="edited", changes=changes)

    def rename(self, repository: Repository, name: str) -> None:
        """The former name goes on to lead here until another repository takes it."""
        with self.context.state.lock:
            changes = {"repository": {"name": {"from": repository.name}}}
            self._remember_name(repository)
            repository.name = name
            self._announce("repository", repository, action="renamed", changes=changes)

    def transfer(self, repository: Repository, owner: Account) -> None:
        """To another account; the installation there, if any, is told."""
        with self.context.state.lock:
            is_organization = repository.owner.type == "Organization"
            kind = "organization" if is_organization else "user"
            shown = accounts.organization if is_organization else accounts.account
            before = shown(repository.owner, self.context.url)
            self._remember_name(repository)
            repository.owner = owner
            changes = {"owner": {"from": {kind: before}}}
            self._announce("repository", repository, action="transferred", changes=changes)

    def archive(self, repository: Repository, *, archived: bool = True) -> None:
        with self.context.state.lock:
            repository.is_archived = archived
            action = "archived" if archived else "unarchived"
            self._announce("repository", repository, action=action)

    def change_visibility(self, repository: Repository, *, private: bool) -> None:
        with self.context.state.lock:
            repository.is_private = private
            action = "privatized" if private else "publicized"
            self._announce("repository", repository, action=action)

    def delete_repository(self, repository: Repository) -> None:
        with self.context.state.lock:
            self._announce("repository", repository, action="deleted")
            self.context.state.repositories.pop(repository.id)
            for pull_request in self.context.state.pull_requests.values():
                if pull_request.head is repository:
                    pull_request.head = None

    def grant(self, repository: Repository, login: str, role: str) -> Account:
        """Make a user a collaborator: read, triage, write, maintain or admin; none removes."""
        with self.context.state.lock:
            user = self.user(login)
            repository.roles[user.id] = role
            return user

    def _new(self, owner: Account, name: str, *, private: bool, default_branch: str) -> Repository:
        state = self.context.state
        repository_id = state.new_id()
        repository = Repository(
            id=repository_id,
            owner=owner,
            name=name,
            default_branch=default_branch,
            is_private=private,
            git=GitRepository(self._folder_of(repository_id)),
            created_at=self._now(),
        )
        repository.git.create(default_branch=default_branch)
        url = f"{self.context.url}/_control/received/{repository_id}"
        hook = repository.git.path / "hooks" / "post-receive"
        hook.write_text(_POST_RECEIVE.format(python=shlex.quote(sys.executable), url=url))
        hook.chmod(0o755)
        state.repositories[repository_id] = repository
        return repository

    def _remember_name(self, repository: Repository) -> None:
        self.context.state.former_names[repository.full_name.casefold()] = repository.id
