"""What check runs say, and what each branch says on a commit: a check shows the worst of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import DictRow

from app.core.checks import Check, CheckContent, CheckSubject
from app.core.errors import NotFound
from app.core.identifiers import BranchName, CheckId, CommitSha, DatabaseId, RepositoryId
from app.core.intents import PostText
from app.core.outbox import TextKind
from app.core.votes import Vote, combined, worst
from app.store.connection import StatePool
from app.store.outbox import Outbox
from app.store.tables import Table, read

_INSERT: LiteralString = """
    INSERT INTO checks (id, app_id, content, database_id, run_id)
    VALUES (%(id)s, %(app_id)s, %(content)s, %(database_id)s, %(run_id)s)
"""
# Another branch's failure may stand there instead of that of the database.
_FAILED_COMMIT: LiteralString = """
    SELECT place AS head_sha FROM checks c JOIN outbox o USING (id) LEFT JOIN check_votes v
        ON v.check_id = c.id AND v.database_id = %(database)s
    WHERE o.key = %(name)s AND (c.database_id = %(database)s OR v.check_id IS NOT NULL)
        AND coalesce(v.content, c.content) ->> 'conclusion' = 'failure'
    ORDER BY coalesce(v.cast_at, o.changed_at) DESC LIMIT 1
"""
_CAST: LiteralString = """
    INSERT INTO check_votes AS v (check_id, branch, content, database_id, run_id)
    VALUES (%(id)s, coalesce(
        (SELECT branch FROM databases WHERE id = %(database_id)s),
        (SELECT coalesce(source_branch, branch) FROM runs WHERE id = %(run_id)s), ''
    ), %(content)s, %(database_id)s, %(run_id)s)
    ON CONFLICT (check_id, branch) DO UPDATE SET content = excluded.content,
        database_id = excluded.database_id, run_id = coalesce(excluded.run_id, v.run_id),
        cast_at = now()
"""
# The first of several that are alike is the one whose button is shown: the last that was heard.
_VOTES: LiteralString = (
    "SELECT * FROM check_votes WHERE check_id = %s ORDER BY cast_at DESC, branch"
)
_COUNT: LiteralString = """
    UPDATE checks SET content = %(content)s, database_id = %(database_id)s, run_id = %(run_id)s
    WHERE id = %(id)s AND content <> %(content)s
"""
# Texts before votes and in their order, as whoever casts one: two at once would block each other.
_STALE: LiteralString = """
    o.repository_id = %(repository)s AND v.cast_at < %(before)s
        AND (%(only)s::text[] IS NULL OR v.branch = ANY(%(only)s))
        AND NOT EXISTS (SELECT FROM unnest(%(names)s::text[], %(heads)s::text[]) live (name, head)
            WHERE live.name = v.branch AND live.head = o.place)
"""
_HOLD_STALE: LiteralString = """
    SELECT id, kind, repository_id, place, key FROM outbox WHERE id IN (
        SELECT v.check_id FROM check_votes v JOIN outbox o ON o.id = v.check_id
        WHERE """
_END: LiteralString = (
    "DELETE FROM check_votes v USING outbox o WHERE o.id = v.check_id AND o.id = ANY(%(ids)s) AND "
)


class Checks(Table):
    """Check runs that should exist."""

    def __init__(self, pool: StatePool, outbox: Outbox) -> None:
        super().__init__(pool)
        self._outbox = outbox

    def get(self, check_id: CheckId) -> Check:
        """Raise NotFound when there is none."""
        found = self._one(
            Check,
            "SELECT checks.*, repository_id, place AS head_sha"
            " FROM checks JOIN outbox USING (id) WHERE id = %s",
            [check_id],
        )
        if found is None:
            raise NotFound(f"There is no check with id {check_id}.")
        return found

    def failed_commit(self, database_id: DatabaseId, *, name: str) -> CommitSha | None:
        """The commit on which a check of this name last said that the database failed."""
        row = self._row(_FAILED_COMMIT, {"database": database_id, "name": name})
        return row["head_sha"] if row else None

    def want(
        self,
        content: CheckContent,
        subject: CheckSubject,
        *,
        delay_seconds: int = 0,
        keep_existing: bool = False,
        is_awaited: bool = False,
    ) -> CheckId:
        """Say what should stand on the commit under `content.name`, and queue its posting.

        Each branch has its say there, that of the database or else of the run; the worst counts.
        With `keep_existing` a check that somebody wanted before stays as it is. Wanting the same
        content again queues nothing. What `is_awaited` never goes last.
        """
        post = PostText(
            kind=TextKind.CHECK,
            repository_id=subject.repository_id,
            place=subject.head_sha,
            key=content.name,
            delay_seconds=delay_seconds,
        )
        with self._pool.connection() as connection:
            text = self._outbox.hold(connection, post)
            values = {**asdict(subject), "id": text.id, "content": _json(content)}
            is_news = is_new = text.wanted == 0
            if is_new:
                connection.execute(_INSERT, values)
            if not keep_existing:
                connection.execute(_CAST, values)
                is_news = _count(connection, text.id) or is_new
            if is_news:
                self._outbox.want(connection, post, is_awaited=is_awaited)
        return CheckId(text.id)

    def end_votes(
        self,
        repository_id: RepositoryId,
        heads: Mapping[BranchName, CommitSha],
        *,
        only: Sequence[BranchName] | None = None,
        before: datetime,
    ) -> None:
        """Let no branch count on a commit that is not its head, and queue the posting of what
        the others say there.

        Args:
            heads: The live branches; what belongs to no branch is called "".
            only: Of these branches; default: of all.
            before: When `heads` was read: what was said later counts.
        """
        values = {
            "repository": repository_id,
            "before": before,
            "only": None if only is None else list(only),
            "names": list(heads.keys()),
            "heads": list(heads.values()),
        }
        with self._pool.connection() as connection:
            held = connection.execute(_HOLD_STALE + _STALE + ") ORDER BY id FOR UPDATE", values)
            left = {row.pop("id"): PostText(**row) for row in held}
            if left:
                connection.execute(_END + _STALE, {**values, "ids": list(left)})
            for check_id, post in left.items():
                if _count(connection, check_id):
                    self._outbox.want(connection, post)


def _count(connection: Connection[DictRow], check_id: int) -> bool:
    """Have the check say what its votes say together; whether that is news.

    A check that nobody votes on any more stays as it is.
    """
    votes = [_vote(row) for row in connection.execute(_VOTES, [check_id])]
    if not votes:
        return False
    chosen = worst(votes)
    values = {
        "id": check_id,
        "content": _json(combined(votes)),
        "database_id": chosen.database_id,
        "run_id": chosen.run_id,
    }
    return connection.execute(_COUNT, values).rowcount > 0


def _vote(row: DictRow) -> Vote:
    return read(Vote, {**row, "branch": row["branch"] or None})


def _json(content: CheckContent) -> str:
    return json.dumps(asdict(content), default=datetime.isoformat)
