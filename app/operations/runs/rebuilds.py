"""Preview and templates: emptied after a failure and migrated once more."""

from app.core.assignments import Policies, PreviewFailure
from app.core.branches import branch_of_ref
from app.core.claims import Claims
from app.core.databases import Database
from app.core.environments import Environment
from app.core.repositories import Repository
from app.core.runs import Migration, MigrationResult

FAILED = frozenset({MigrationResult.FAILURE, MigrationResult.TIMED_OUT})


def is_owed(
    migration: Migration,
    database: Database,
    *,
    claims: Claims,
    repository: Repository | None,
    policies: Policies,
) -> bool:
    """Whether this migration's failure is answered with an empty database and another try.

    A pull request or merge group may hold changes that are never merged: theirs is not. A template
    that was not cloned from another began empty already.
    """
    if migration.environment is Environment.TEMPLATE:
        was_cloned = database.cloned_from is not None or database.generation > migration.generation
        return was_cloned and _has_command_failed(migration) and not migration.rebuilt
    return (
        migration.environment is Environment.PREVIEW
        and _has_command_failed(migration)
        and not migration.rebuilt
        and policies.preview_failure is PreviewFailure.REBUILD
        and repository is not None
        and branch_of_ref(claims.ref) == repository.default_branch
    )


def _has_command_failed(migration: Migration) -> bool:
    """Not what nobody reported, or was cancelled, or never ran: an empty database mends none."""
    has_ended = migration.exit_code is not None or migration.result is MigrationResult.TIMED_OUT
    return has_ended and migration.result in FAILED
