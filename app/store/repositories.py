"""Repositories and pull requests in the state database."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.identifiers import (
    BranchName,
    InstallationId,
    PullRequestNumber,
    RepositoryId,
)
from app.core.intents import Intent
from app.core.repositories import InstallationState, PullRequest, Repository

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


class Repositories:
    """Repositories and pull requests as last heard of."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
        app_id: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`app_id` tells which GitHub App the service is at the moment."""
        self._pool = pool
        self._defer = defer
        self._app_id = app_id

    def get(self, repository_id: RepositoryId) -> Repository | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM repositories WHERE id = %s", [repository_id]
            ).fetchone()
        return repository_from(row) if row else None

    def known(self, repository_ids: Collection[RepositoryId]) -> Mapping[RepositoryId, Repository]:
        """Those that were heard of, read together."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM repositories WHERE id = ANY(%s)", [list(repository_ids)]
            ).fetchall()
        return {found.id: found for found in map(repository_from, rows)}

    def named(self, full_name: str) -> Repository | None:
        with self._pool.connection() as connection:
            # GitHub's names differ only in case for nobody. Rows keep old names until GitHub is
            # asked again, so the one heard of last wins.
            row = connection.execute(
                "SELECT * FROM repositories WHERE lower(full_name) = lower(%s)"
                " ORDER BY updated_at DESC LIMIT 1",
                [full_name],
            ).fetchone()
        return repository_from(row) if row else None

    def save(self, repository: Repository, *, then: Sequence[Intent] = ()) -> None:
        app_id = self._app_id()
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO repositories (id, owner_id, full_name, default_branch, is_private,"
                " is_archived, installation_id, installation_state, github_app_id)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (id) DO UPDATE SET (owner_id, full_name, default_branch, is_private,"
                " is_archived, installation_id, installation_state, github_app_id, updated_at) ="
                " (excluded.owner_id, excluded.full_name, excluded.default_branch,"
                " excluded.is_private, excluded.is_archived, excluded.installation_id,"
                " excluded.installation_state, excluded.github_app_id, now())",
                [
                    repository.id,
                    repository.owner_id,
                    repository.full_name,
                    repository.default_branch,
                    repository.is_private,
                    repository.is_archived,
                    repository.installation_id,
                    repository.installation_state,
                    app_id,
                ],
            )
            self._defer(connection, then)

    def was_seen_by_another_app(self, repository_id: RepositoryId) -> bool:
        """Whether it was saved when the service had the credentials of another GitHub App."""
        app_id = self._app_id()
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT FROM repositories WHERE id = %s AND github_app_id <> %s",
                [repository_id, app_id],
            ).fetchone()
        return row is not None

    def all(self, *, installation_id: InstallationId | None = None) -> Sequence[Repository]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM repositories"
                " WHERE %(id)s::bigint IS NULL OR installation_id = %(id)s ORDER BY id",
                {"id": installation_id},
            ).fetchall()
        return [repository_from(row) for row in rows]

    def set_installation_state(
        self, repository_ids: Sequence[RepositoryId], state: InstallationState
    ) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE repositories SET installation_state = %s WHERE id = ANY(%s)",
                [state, list(repository_ids)],
            )

    def save_pull_request(self, pull_request: PullRequest) -> None:
        with self._pool.connection() as connection:
            put_pull_request(connection, pull_request)

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
                put_pull_request(connection, pull_request)

    def pull_request(
        self, repository_id: RepositoryId, number: PullRequestNumber
    ) -> PullRequest | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM pull_requests WHERE repository_id = %s AND number = %s",
                [repository_id, number],
            ).fetchone()
        return pull_request_from(row) if row else None

    def open_pull_requests(
        self, repository_id: RepositoryId, *, branch: BranchName | None = None
    ) -> Sequence[PullRequest]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM pull_requests WHERE repository_id = %(id)s AND is_open"
                " AND (%(branch)s::text IS NULL"
                "  OR (head_branch = %(branch)s AND head_repository_id = repository_id))"
                " ORDER BY number",
                {"id": repository_id, "branch": branch},
            ).fetchall()
        return [pull_request_from(row) for row in rows]


def put_pull_request(connection: Connection[DictRow], pull_request: PullRequest) -> None:
    """Create or update a pull request in the caller's transaction."""
    connection.execute(PUT_PULL_REQUEST + OR_UPDATE_IT, asdict(pull_request))


def repository_from(row: DictRow) -> Repository:
    """A row of `repositories`."""
    values = {field.name: row[field.name] for field in fields(Repository)}
    return Repository(
        **{**values, "installation_state": InstallationState(row["installation_state"])}
    )


def pull_request_from(row: DictRow) -> PullRequest:
    """A row of `pull_requests`."""
    return PullRequest(**{field.name: row[field.name] for field in fields(PullRequest)})
