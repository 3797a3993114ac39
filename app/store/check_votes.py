"""What each branch says on a commit: a check shows the worst of it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow

from app.core.checks import CheckContent, CheckSubject
from app.core.identifiers import BranchName, CheckId, CommitSha, RepositoryId
from app.core.votes import Vote, combined, worst
from app.store.check_contents import content_from, content_to_json

_CAST = """
    INSERT INTO check_votes AS v (check_id, branch, content, database_id, run_id)
    VALUES (%(check_id)s, coalesce(
        (SELECT branch FROM databases WHERE id = %(database_id)s),
        (SELECT coalesce(source_branch, branch) FROM runs WHERE id = %(run_id)s), ''
    ), %(content)s, %(database_id)s, %(run_id)s)
    ON CONFLICT (check_id, branch) DO UPDATE SET content = excluded.content,
        database_id = excluded.database_id, run_id = coalesce(excluded.run_id, v.run_id),
        cast_at = now()
"""
# The first of several that are alike is the one whose button is shown: the last that was heard.
_VOTES = "SELECT * FROM check_votes WHERE check_id = %s ORDER BY cast_at DESC, branch"
_COUNT = """
    UPDATE checks SET content = %(content)s, wanted = wanted + 1, updated_at = now(),
        database_id = %(database_id)s, run_id = %(run_id)s
    WHERE id = %(id)s AND content <> %(content)s
"""
# Checks before votes and in their order, as whoever casts one: two at once would block each other.
_HOLD_STALE = """
    SELECT id FROM checks WHERE id IN (
        SELECT v.check_id FROM check_votes v JOIN checks c ON c.id = v.check_id
        WHERE """
_STALE = """c.repository_id = %(repository)s AND v.cast_at < %(before)s
        AND (%(only)s::text[] IS NULL OR v.branch = ANY(%(only)s))
        AND NOT EXISTS (SELECT FROM unnest(%(names)s::text[], %(heads)s::text[]) live (name, head)
            WHERE live.name = v.branch AND live.head = c.head_sha)
"""
_END = (
    "DELETE FROM check_votes v USING checks c WHERE c.id = v.check_id AND c.id = ANY(%(ids)s) AND "
)


def cast(
    connection: Connection[DictRow],
    check_id: CheckId,
    content: CheckContent,
    subject: CheckSubject,
) -> None:
    """Note what a branch says: the one of the database, else the one of the run."""
    connection.execute(
        _CAST,
        {
            "check_id": check_id,
            "content": json.dumps(content_to_json(content)),
            "database_id": subject.database_id,
            "run_id": subject.run_id,
        },
    )


def count(connection: Connection[DictRow], check_id: CheckId) -> bool:
    """Have the check say what its votes say together; whether that is news.

    A check that nobody votes on any more stays as it is.
    """
    votes = [_vote(row) for row in connection.execute(_VOTES, [check_id])]
    if not votes:
        return False
    chosen = worst(votes)
    values = {
        "id": check_id,
        "content": json.dumps(content_to_json(combined(votes))),
        "database_id": chosen.database_id,
        "run_id": chosen.run_id,
    }
    return connection.execute(_COUNT, values).rowcount > 0


def end(
    connection: Connection[DictRow],
    repository_id: RepositoryId,
    heads: Mapping[BranchName, CommitSha],
    *,
    only: Sequence[BranchName] | None,
    before: datetime,
) -> list[CheckId]:
    """Forget what branches say on commits that are not their heads; the checks it was said on."""
    values = {
        "repository": repository_id,
        "before": before,
        "only": None if only is None else list(only),
        "names": list(heads.keys()),
        "heads": list(heads.values()),
    }
    held = connection.execute(_HOLD_STALE + _STALE + ") ORDER BY id FOR UPDATE", values)
    ids = [CheckId(row["id"]) for row in held]
    if ids:
        connection.execute(_END + _STALE, {**values, "ids": ids})
    return ids


def _vote(row: dict[str, Any]) -> Vote:
    return Vote(
        branch=BranchName(row["branch"]) if row["branch"] else None,
        content=content_from(row["content"]),
        database_id=row["database_id"],
        run_id=row["run_id"],
    )
