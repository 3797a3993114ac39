"""Repositories and pull requests in the state database."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import LiteralString

from app.core.identifiers import BranchName, InstallationId, PullRequestNumber, RepositoryId
from app.core.intents import Intent
from app.core.repositories import InstallationState, PullRequest, Repository
from app.store.connection import StatePool
from app.store.tables import Table, insert

PUT_PULL_REQUEST: LiteralString = """
    INSERT INTO pull_requests
        (repository_id, number, head_repository_id, head_branch, head_sha, is_open)
    SELECT %(repository_id)s, %(number)s, %(head_repository_id)s::bigint, %(head_branch)s,
        %(head_sha)s, %(is_open)s
"""
OR_UPDATE_IT: LiteralString = """
    ON CONFLICT (repository_id, number) DO UPDATE
        SET (head_repository_id, head_branch, head_sha, is_open) =
        (excluded.head_repository_id, excluded.head_branch, excluded.head_sha, excluded.is_open)
"""
_OR_UPDATE_REPOSITORY: LiteralString = """
    ON CONFLICT (id) DO UPDATE SET (owner_id, full_name, default_branch, is_private, is_archived,
        installation_id, installation_state, github_app_id, updated_at) = (excluded.owner_id,
        excluded.full_name, excluded.default_branch, excluded.is_private, excluded.is_archived,
        excluded.installation_id, excluded.installation_state, excluded.github_app_id, now())
"""


class Repositories(Table):
    """Repositories and pull requests as last heard of."""

    def __init__(self, pool: StatePool, *, app_id: Callable[[], int | None] = lambda: None) -> None:
        """`app_id` tells which GitHub App the service is at the moment."""
        super().__init__(pool)
        self._app_id = app_id

    def get(self, repository_id: RepositoryId) -> Repository | None:
        return self._one(Repository, "SELECT * FROM repositories WHERE id = %s", [repository_id])

    def known(self, repository_ids: Collection[RepositoryId]) -> Mapping[RepositoryId, Repository]:
        """Those that were heard of, read together."""
        found = self._all(
            Repository, "SELECT * FROM repositories WHERE id = ANY(%s)", [list(repository_ids)]
        )
        return {repository.id: repository for repository in found}

    def named(self, full_name: str) -> Repository | None:
        # GitHub's names differ only in case for nobody. Rows keep old names until GitHub is asked
        # again, so the one heard of last wins.
        return self._one(
            Repository,
            "SELECT * FROM repositories WHERE lower(full_name) = lower(%s)"
            " ORDER BY updated_at DESC LIMIT 1",
            [full_name],
        )

    def save(self, repository: Repository, *, then: Sequence[Intent] = ()) -> None:
        values = {**asdict(repository), "github_app_id": self._app_id()}
        self._change(insert("repositories", values, _OR_UPDATE_REPOSITORY), values, then=then)

    def was_seen_by_another_app(self, repository_id: RepositoryId) -> bool:
        """Whether it was saved when the service had the credentials of another GitHub App."""
        return bool(
            self._rows(
                "SELECT FROM repositories WHERE id = %s AND github_app_id <> %s",
                [repository_id, self._app_id()],
            )
        )

    def all(self, *, installation_id: InstallationId | None = None) -> Sequence[Repository]:
        return self._all(
            Repository,
            "SELECT * FROM repositories"
            " WHERE %(id)s::bigint IS NULL OR installation_id = %(id)s ORDER BY id",
            {"id": installation_id},
        )

    def set_installation_state(
        self, repository_ids: Sequence[RepositoryId], state: InstallationState
    ) -> None:
        self._change(
            "UPDATE repositories SET installation_state = %s WHERE id = ANY(%s)",
            [state, list(repository_ids)],
        )

    def save_pull_request(self, pull_request: PullRequest) -> None:
        self._change(PUT_PULL_REQUEST + OR_UPDATE_IT, asdict(pull_request))

    def replace_open_pull_requests(
        self, repository_id: RepositoryId, pull_requests: Sequence[PullRequest]
    ) -> None:
        """These and only these are open."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE pull_requests SET is_open = false WHERE repository_id = %s AND is_open",
                [repository_id],
            )
            for pull_request in pull_requests:
                connection.execute(PUT_PULL_REQUEST + OR_UPDATE_IT, asdict(pull_request))

    def pull_request(
        self, repository_id: RepositoryId, number: PullRequestNumber
    ) -> PullRequest | None:
        return self._one(
            PullRequest,
            "SELECT * FROM pull_requests WHERE repository_id = %s AND number = %s",
            [repository_id, number],
        )

    def open_pull_requests(
        self, repository_id: RepositoryId, *, branch: BranchName | None = None
    ) -> Sequence[PullRequest]:
        return self._all(
            PullRequest,
            "SELECT * FROM pull_requests WHERE repository_id = %(id)s AND is_open"
            " AND (%(branch)s::text IS NULL"
            "  OR (head_branch = %(branch)s AND head_repository_id = repository_id))"
            " ORDER BY number",
            {"id": repository_id, "branch": branch},
        )
