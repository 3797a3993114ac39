"""What the check run of a migration says about the seed command that followed. Pure."""

from app.core.amounts import duration
from app.core.runs import Migration, MigrationResult, Run, Seeding
from app.operations.checks.command_words import facts


def title(migration: Migration) -> str:
    """What is added to the title; empty when nothing was seeded."""
    seeding = migration.seeding
    if seeding is None:
        return ""
    if seeding.has_succeeded:
        return f", seeded in {duration(seeding.duration_seconds)}"
    if seeding.result is MigrationResult.NEVER_CONNECTED:
        return ", but the seed command never connected to it"
    if seeding.result is MigrationResult.TIMED_OUT:
        return ", but the seed command was stopped: the time was over"
    if seeding.exit_code is None:
        return ", but the seed command failed"
    return f", but the seed command failed with exit code {seeding.exit_code}"


def summary(run: Run, migration: Migration) -> str:
    """How seeding went, and what follows when it failed; empty when nothing was seeded."""
    seeding = migration.seeding
    if seeding is None:
        return ""
    told = facts(seeding.duration_seconds, seeding.exit_code, command=run.seed_command)
    return f"{_what_happened(run, seeding)}\n\n{told}"


def _what_happened(run: Run, seeding: Seeding) -> str:
    if seeding.has_succeeded:
        return "Then the new database was seeded, which is done once."
    how = "failed"
    if seeding.result is MigrationResult.TIMED_OUT:
        how = f"was stopped after `timeout-minutes` ({run.timeout_minutes})"
    if seeding.result is MigrationResult.NEVER_CONNECTED:
        how = "ended well, but never connected to the database, so it does not count as seeded"
    return (
        f"The seed command {how}. **The migration itself succeeded**, and the database counts as "
        "migrated. The next run tries the seed command again."
    )
