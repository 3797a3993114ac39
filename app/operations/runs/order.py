"""The order of a run's migrations: production after preview, and every database once."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.assignments import Assignment, PreviewPolicy
from app.core.claims import Claims
from app.core.environments import Environment
from app.core.facts import Denied
from app.core.runs import WELL, Migration, MigrationResult, Run
from app.operations.runs import rebuilds
from app.operations.runs.refusals import Refused, not_yet
from app.store.store import Store

_PASSED = WELL | {MigrationResult.SUPERSEDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a run may do with a database now, as far as its own migrations tell."""

    present: Migration | None = None
    """It has begun, and goes on or gives its stored answer."""
    rebuilt_from: Migration | None = None
    """The failed migration after which the database is emptied first."""
    is_untouched: bool = False
    """Production is left alone: preview failed in this run."""


def turn(
    store: Store, run: Run, environment: Environment, claims: Claims, assignment: Assignment
) -> Turn:
    """Whether the database's time has come; raises Refused while it has not, or never will."""
    migrations = store.migrations.of_run(run.id)
    own = _last(migrations, environment)
    if own is not None and own.finished_at is not None:
        if _owes_rebuild(store, own, claims, assignment):
            return Turn(rebuilt_from=own)
        return Turn(present=own)
    if own is None and environment is Environment.PRODUCTION:
        return _after_preview(store, run, migrations, claims, assignment)
    if own is not None and own.rebuilt:
        first = next(one for one in migrations if one.environment is environment)
        return Turn(present=own, rebuilt_from=first)
    return Turn(present=own)


def _after_preview(
    store: Store,
    run: Run,
    migrations: Sequence[Migration],
    claims: Claims,
    assignment: Assignment,
) -> Turn:
    if assignment.policies.preview is PreviewPolicy.OFF:
        return Turn()
    if Environment.PREVIEW not in run.environments:
        return _after_preview_of_commit(store, run)
    preview = _last(migrations, Environment.PREVIEW)
    if preview is None or preview.result is None:
        raise not_yet("waiting", "Production waits for the migration of preview.")
    if preview.result in _PASSED:
        return Turn()
    if _owes_rebuild(store, preview, claims, assignment):
        raise not_yet("waiting", "Production waits for preview, which is emptied and tried again.")
    return Turn(is_untouched=True)


def _after_preview_of_commit(store: Store, run: Run) -> Turn:
    """For `environments: production`: what preview said to this commit, in whatever run."""
    preview = store.migrations.last_of_commit(run.app_id, Environment.PREVIEW, run.head_sha)
    if preview is not None and preview.result is None:
        raise not_yet("waiting", "Production waits for the migration of preview in another job.")
    if preview is not None and preview.result in WELL:
        return Turn()
    raise Refused(
        Denied(
            code="preview_not_migrated",
            message="Preview was not migrated successfully with this commit, so production stays "
            "untouched.",
            advice="Migrate preview first: leave `environments` empty, or run a job with "
            "`environments: preview` before this one (`needs:`).",
        )
    )


def _owes_rebuild(
    store: Store, migration: Migration, claims: Claims, assignment: Assignment
) -> bool:
    return rebuilds.is_owed(
        migration,
        claims=claims,
        repository=store.repositories.get(claims.repository_id),
        policies=assignment.policies,
    )


def _last(migrations: Sequence[Migration], environment: Environment) -> Migration | None:
    return next((one for one in reversed(migrations) if one.environment is environment), None)
