"""Repositories, their branches and people, live."""

from collections.abc import Sequence

from app.core.errors import GitHubUnavailable
from app.core.identifiers import BranchName, CommitSha, InstallationId, PullRequestNumber
from app.core.repositories import Ancestry, Branch, ChangedFiles, PullRequest, Repository
from app.github.answers import (
    items,
    number,
    optional_text,
    part,
    read_branch,
    read_pull_request,
    read_repository,
    text,
)
from app.github.client import Client, repository_path, require_same, scope, scope_of
from app.github.failures import GitHubHasNot
from app.github.tokens import LIST
from app.github.transport import Answer

_BRANCHES = "the repository's branches"
# Of files in a comparison, of which the first page lists 300 and no other any.
# https://docs.github.com/en/rest/commits/commits#compare-two-commits
_NEW = frozenset({"added", "copied"})
_MOST_COMPARED = 10_000
_ROLES = frozenset({"admin", "maintain", "write", "triage", "read", "none"})


class RestRepositories:
    """Facts about repositories, branches and people."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._compared: dict[tuple[int, CommitSha, CommitSha], Ancestry] = {}

    def repository(self, installation_id: InstallationId, full_name: str) -> Repository | None:
        try:
            answer = self._client.request(
                "GET", repository_path(full_name), scope=scope(installation_id, LIST)
            )
        except GitHubHasNot:
            return None
        return read_repository(answer.data, installation_id)

    def branch(self, repository: Repository, name: BranchName) -> Branch | None:
        answer = self._client.find(repository, "branches", name)
        if answer is None:
            return None
        found = read_branch(answer.data)
        self._client.confirm(repository)
        # A branch that was renamed at GitHub redirects to its new name, and is not this one.
        return found if found.name == name else None

    def branches(self, repository: Repository) -> Sequence[Branch]:
        records = self._client.all_of(repository, "branches", what=_BRANCHES)
        found = [read_branch(each) for each in records]
        live = self._client.confirm(repository)
        if not found and self.branch(repository, live.default_branch) is None:
            return []  # nothing was pushed yet: GitHub names a default branch that is not there
        if live.default_branch not in {branch.name for branch in found}:
            raise GitHubUnavailable("GitHub's list of branches lacks the default branch.")
        return found

    def protected_branches(self, repository: Repository) -> frozenset[BranchName]:
        records = self._client.all_of(
            repository, "branches", what=_BRANCHES, parameters={"protected": "true"}
        )
        self._client.confirm(repository)
        return frozenset(read_branch(each).name for each in records)

    def compare(self, repository: Repository, *, base: CommitSha, head: CommitSha) -> Ancestry:
        asked = (repository.id, base, head)
        if asked in self._compared:  # how two commits relate never changes
            return self._compared[asked]
        answer = self._comparison(repository, base, head)
        if answer is None:
            return Ancestry.UNKNOWN
        try:
            found = Ancestry(text(answer.data, "status"))
        except ValueError as error:
            raise GitHubUnavailable("GitHub's comparison has an unknown status.") from error
        if len(self._compared) >= _MOST_COMPARED:
            self._compared.clear()
        self._compared[asked] = found
        return found

    def commits_between(
        self, repository: Repository, *, base: CommitSha, head: CommitSha
    ) -> frozenset[CommitSha] | None:
        answer = self._client.find(repository, "compare", f"{base}...{head}")
        if answer is None:
            return None
        commits = items(answer.data, "commits")
        if len(commits) < number(answer.data, "total_commits"):
            return None
        return frozenset(CommitSha(text(each, "sha")) for each in commits)

    def changed_files(
        self, repository: Repository, *, base: BranchName | CommitSha, head: CommitSha
    ) -> ChangedFiles | None:
        answer = self._comparison(repository, base, head)
        if answer is None:
            return None
        files = items(answer.data, "files")
        statuses = {text(each, "filename"): text(each, "status") for each in files}
        return ChangedFiles(
            paths=tuple(path for path, status in statuses.items() if status != "removed"),
            added=tuple(path for path, status in statuses.items() if status in _NEW),
            removed=tuple(path for path, status in statuses.items() if status == "removed"),
        )

    def _comparison(
        self, repository: Repository, base: BranchName | CommitSha, head: CommitSha
    ) -> Answer | None:
        return self._client.find(
            repository, "compare", f"{base}...{head}", parameters={"per_page": "1"}
        )

    def permission(self, repository: Repository, *, login: str, user_id: int) -> str:
        try:
            answer = self._client.request(
                "GET",
                repository_path(repository, "collaborators", login, "permission"),
                scope=scope_of(repository, LIST),
            )
        except GitHubHasNot:
            return "none"
        if number(part(answer.data, "user"), "id") != user_id:
            return "none"
        # An organisation may name roles of its own; `permission` then has the base that it grants.
        role = optional_text(answer.data, "role_name")
        granted = role if role in _ROLES else text(answer.data, "permission")
        return granted if granted in _ROLES else "none"


class RestPullRequests:
    """Live pull requests of one repository."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def open_pull_requests(self, repository: Repository) -> Sequence[PullRequest]:
        records = self._client.all_of(
            repository, "pulls", what="the pull requests", parameters={"state": "open"}
        )
        found = [read_pull_request(each) for each in records]
        for pull_request in found:
            require_same(pull_request.repository_id, repository)
        if not found:
            self._client.confirm(repository)
        # A redirect of a renamed repository loses what was asked for.
        return [pull_request for pull_request in found if pull_request.is_open]

    def pull_request(self, repository: Repository, number: PullRequestNumber) -> PullRequest | None:
        answer = self._client.find(repository, "pulls", str(number))
        if answer is None:
            return None
        found = read_pull_request(answer.data)
        require_same(found.repository_id, repository)
        return found
