"""One migration for a commit: a pull request's run gives way to the push of the same head."""

from app.core import reasons
from app.core.claims import Claims
from app.core.facts import Facts
from app.core.identifiers import AppId
from app.core.reasons import Unreached
from app.core.revisions import Reach
from app.operations.services import Services


def unless_pushed(
    services: Services, claims: Claims, facts: Facts, reach: Reach, app_id: AppId
) -> Reach | Unreached:
    """The reach, unless a push run migrates this head or has migrated it.

    A push run of the same workflow that is under way counts before it has asked for anything; one
    that ended without asking does not, so that a head is never left without a migration.
    """
    if claims.event_name != "pull_request" or facts.run is None or facts.live is None:
        return reach
    branch = facts.run.head_branch or reach.branch
    if branch is None:
        return reach
    head_sha = facts.run.head_sha
    is_recorded = any(
        run.event == "push" and run.app_id == app_id and run.migrates
        for run in services.runs.of_commit(claims.repository_id, head_sha)
    )
    is_under_way = is_recorded or any(
        other.event == "push"
        and other.workflow_id == facts.run.workflow_id
        and not other.is_completed
        for other in services.github.workflow_runs(facts.live, head_sha)
    )
    return reasons.migrated_by_push(branch) if is_under_way else reach
