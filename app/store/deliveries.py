"""Deliveries of webhooks: what is known around one, and storing it with all that it causes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, LiteralString

from app.core import events
from app.core.decisions import Known
from app.core.intents import Intent
from app.store.jobs import defer_with
from app.store.repositories import OR_UPDATE_IT, PUT_PULL_REQUEST
from app.store.tables import Table, read

# Each column is a field of `Known`, and read as that.
_REPOSITORY: LiteralString = """
    SELECT to_json(r) AS repository, to_json(array(
        SELECT json_build_object('app', a, 'instance_id', s.instance_id,
            'migration_command', s.migration_command, 'policies', s.policies)
        FROM assignments s JOIN apps a ON a.id = s.app_id WHERE a.repository_id = r.id
        ORDER BY a.created_at, a.id)) AS assignments
"""
_BRANCH: LiteralString = """
    , to_json(array(
        SELECT to_jsonb(d) - 'password' - 'accelerate_url'
        FROM assignments s JOIN apps a ON a.id = s.app_id JOIN databases d USING (app_id)
        WHERE a.repository_id = r.id AND d.is_live AND d.state <> 'gone'
            AND (d.branch = %(branch)s OR %(branch)s = r.default_branch
                AND d.environment IN ('production', 'preview')))) AS databases
    , to_json(array(
        SELECT p FROM pull_requests p WHERE p.repository_id = r.id AND p.is_open
            AND p.head_repository_id = r.id AND p.head_branch = %(branch)s)) AS open_pull_requests
    , EXISTS (
        SELECT FROM check_votes mine JOIN check_votes theirs USING (check_id)
            JOIN outbox o ON o.id = check_id
        WHERE o.repository_id = r.id AND theirs.branch <> mine.branch
            AND (mine.branch = %(branch)s OR mine.branch = '' AND %(branch)s = r.default_branch)
        ) AS shares_checks
"""
_WORKFLOW: LiteralString = """
    , to_json(array(
        SELECT p FROM pull_requests p WHERE p.repository_id = r.id AND p.is_open
            AND p.head_sha = %(head_sha)s)) AS open_pull_requests
    , EXISTS (
        SELECT FROM job_logins JOIN runs ON runs.id = run_id
        WHERE ended_at IS NULL AND runs.repository_id = r.id
            AND workflow_run_id = %(workflow_run_id)s) AS has_job_logins
"""
_SUITE: LiteralString = """
    , array(
        SELECT min(id) FROM outbox JOIN checks USING (id) WHERE repository_id = r.id
            AND place = %(head_sha)s AND run_id IS NOT NULL GROUP BY run_id) AS rerunnable_checks
"""
_COMMAND: LiteralString = """
    , EXISTS (SELECT FROM commands WHERE comment_id = %(comment_id)s) AS is_obeyed
"""
_OF: LiteralString = "FROM repositories r WHERE r.id = %(repository_id)s"

# Whoever stores the guid first decides; everything else of the statement follows from its row.
_DELIVERY: LiteralString = """
    WITH delivery AS (
        INSERT INTO deliveries (guid, event, action, outcome)
        VALUES (%(guid)s, %(event)s, %(action)s, %(outcome)s)
        ON CONFLICT DO NOTHING RETURNING guid
    )
"""
_CAUSE: LiteralString = ", cause AS (SELECT FROM delivery)"
_WITH_PULL_REQUEST: LiteralString = (
    ", pull_request AS ("
    + PUT_PULL_REQUEST
    + "FROM delivery, repositories WHERE id = %(repository_id)s"
    + OR_UPDATE_IT
    + ")"
    + _CAUSE
)
# The databases as they are now: a branch may be deleted and made again before a worker comes to it.
_BY_COMMAND: LiteralString = """
    , cause AS (
        INSERT INTO commands
            (comment_id, repository_id, number, verb, sender_id, sender_login, pinned)
        SELECT %(comment_id)s, %(repository_id)s, %(number)s, %(verb)s, %(sender_id)s,
            %(sender_login)s, (
            SELECT coalesce(jsonb_object_agg(databases.id, databases.generation), '{}')
            FROM pull_requests pull JOIN apps ON apps.repository_id = pull.repository_id
                JOIN databases ON databases.app_id = apps.id AND branch = pull.head_branch
            WHERE pull.repository_id = %(repository_id)s AND pull.number = %(number)s
                AND pull.head_repository_id = pull.repository_id AND is_live AND state <> 'gone')
        FROM delivery ON CONFLICT DO NOTHING RETURNING comment_id
    )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook request, verified."""

    guid: str
    event: str
    action: str | None


class Deliveries(Table):
    """Webhook requests that were taken in."""

    def known(self, event: events.RepositoryEvent) -> Known | None:
        """Read what decides about an event, in one statement; None: its repository is unknown."""
        facts, values = _facts(event)
        values["repository_id"] = event.repository.id
        with self._pool.autocommit() as connection:
            row = connection.execute(_REPOSITORY + facts + _OF, values).fetchone()
        return read(Known, row) if row else None

    def store(
        self,
        delivery: Delivery,
        event: events.Event | None,
        *,
        outcome: str,
        intents: Sequence[Intent],
    ) -> bool:
        """Store a delivery, what it brings and the jobs that it causes, all in one statement.

        It brings a pull request as it is now, or a command if that causes jobs. Durable when this
        returns. False: its guid, or its command's comment, was stored before, and nothing is
        queued.
        """
        brought, values = _brought(event, is_wanted=bool(intents))
        values |= asdict(delivery) | {"outcome": outcome}
        with self._pool.autocommit() as connection:
            return defer_with(connection, _DELIVERY + brought, values, intents)

    def has(self, guid: str) -> bool:
        return bool(self._rows("SELECT FROM deliveries WHERE guid = %s", [guid]))

    def forget(self, *, older_than_days: int) -> None:
        """Delete old rows; GitHub redelivers for three days only."""
        self._change(
            "DELETE FROM deliveries WHERE received_at < now() - make_interval(days => %s)",
            [older_than_days],
        )


def _facts(event: events.RepositoryEvent) -> tuple[LiteralString, dict[str, Any]]:
    """The columns that an event needs beside its repository, and their parameters."""
    match event:
        case events.OfBranch(branch=branch):
            return _BRANCH, {"branch": branch}
        case events.PullRequestChanged(pull_request=pull_request):
            return _BRANCH, {"branch": pull_request.head_branch}
        case events.WorkflowCompleted(workflow_run_id=run, head_sha=head_sha):
            return _WORKFLOW, {"workflow_run_id": run, "head_sha": head_sha}
        case events.SuiteRerequested(head_sha=head_sha):
            return _SUITE, {"head_sha": head_sha}
        case events.CommandGiven(comment_id=comment_id):
            return _COMMAND, {"comment_id": comment_id}
        case _:
            return "", {}


def _brought(
    event: events.Event | None, *, is_wanted: bool
) -> tuple[LiteralString, dict[str, Any]]:
    match event:
        case events.PullRequestChanged(pull_request=pull_request):
            return _WITH_PULL_REQUEST, asdict(pull_request)
        case events.CommandGiven() if is_wanted:
            return _BY_COMMAND, {**asdict(event), "repository_id": event.repository.id}
        case _:
            return _CAUSE, {}
