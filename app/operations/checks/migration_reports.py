"""What the check run of a migration says. Pure: words for people, never a secret."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core import amounts
from app.core.amounts import duration
from app.core.assignments import App
from app.core.checks import CheckContent, Conclusion
from app.core.databases import Database
from app.core.environments import Environment
from app.core.markdown import code, link
from app.core.output_advice import on_output
from app.core.runs import Migration, MigrationResult, Run, Unfinished, UnfinishedKind
from app.core.trace_findings import Judgement
from app.operations.checks import seed_reports, trace_words
from app.operations.checks.command_words import command_line, facts, log_blocks
from app.operations.checks.reports import database_words, migration_check_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that a report may tell."""

    app: App
    run: Run
    migration: Migration
    database: Database
    job_url: str | None
    run_url: str | None
    """The run's page on the dashboard; None: readers at GitHub do not reach it."""
    shows_log: bool
    """The repository's readers may see what the command printed."""
    judged: Judgement | None = None
    """What its trace tells; None: it was not to be traced, or has not ended."""


_NEVER_CONNECTED = (
    "the migration command ended well, but **nobody connected to this database** while it ran. So "
    "nothing counts as migrated here; what waits for it goes on. If the command had nothing to do, "
    "all is well. Otherwise it did not start its tool, or the tool went to another database."
)


def is_neutral(run: Run, environment: Environment) -> bool:
    """Whether a failure counts for nothing: preview beside a branch is shared by all branches.

    After a template that failed, new databases are cloned from the one before it.
    """
    is_shared = environment is Environment.PREVIEW and Environment.BRANCH in run.environments
    return is_shared or environment is Environment.TEMPLATE


def in_progress(story: Story) -> CheckContent:
    """The migration runs."""
    return CheckContent(
        name=migration_check_name(story.app, story.migration.environment),
        conclusion=None,
        title=f"Migrating {story.database.name}",
        summary="\n\n".join(part for part in _running(story) if part),
        details_url=story.job_url,
        started_at=story.migration.started_at,
    )


def finished(story: Story) -> CheckContent:
    """How the migration ended, with the end of its log where that may be shown."""
    migration = story.migration
    return CheckContent(
        name=migration_check_name(story.app, migration.environment),
        conclusion=_conclusion(story),
        title=_title(migration) + seed_reports.title(migration) + title(migration),
        summary="\n\n".join(part for part in _summary(story) if part),
        text=_log(story),
        details_url=story.job_url,
        started_at=migration.started_at,
        completed_at=migration.finished_at,
    )


def untouched(app: App) -> CheckContent:
    """Production was left alone."""
    return CheckContent(
        name=migration_check_name(app, Environment.PRODUCTION),
        conclusion=Conclusion.SKIPPED,
        title="Production is untouched: preview failed",
        summary="The migration of preview failed, so production's was not started.",
    )


def _conclusion(story: Story) -> Conclusion:
    match story.migration.result:
        case MigrationResult.SUCCESS if story.migration.is_good:
            return Conclusion.SUCCESS
        case _ if story.migration.has_ended_well:
            return Conclusion.NEUTRAL
        case MigrationResult.SUPERSEDED | MigrationResult.SKIPPED:
            return Conclusion.SKIPPED
        case _:
            is_lenient = is_neutral(story.run, story.migration.environment)
            return Conclusion.NEUTRAL if is_lenient else Conclusion.FAILURE


def _title(migration: Migration) -> str:
    took = duration(migration.duration_seconds or 0)
    match migration.result:
        case MigrationResult.SUCCESS:
            return f"Migrated in {took}"
        case MigrationResult.SUPERSEDED:
            return "Superseded by a newer commit"
        case MigrationResult.SKIPPED:
            return "Skipped"
        case MigrationResult.NEVER_CONNECTED:
            return "The command ended well, but never connected to it"
        case MigrationResult.TIMED_OUT:
            return f"Stopped after {took}: the time was over"
        case _ if migration.duration_seconds is None:
            return "The runner went away"
        case _ if migration.exit_code is None:
            return f"Failed after {took}"
        case _:
            return f"Failed with exit code {migration.exit_code} after {took}"


def _summary(story: Story) -> list[str]:
    migration = story.migration
    return [
        "" if migration.has_ended_well else _no_connection(story),
        f"{database_words(story.database)}: {_what_happened(story)}",
        _rebuilt(migration),
        _facts(story) if migration.result is not MigrationResult.SUPERSEDED else "",
        seed_reports.summary(story.run, migration),
        migration.remark,
        summary(migration, shows_names=story.shows_log),
        _locks(story),
        _on_output(migration),
        _advice(story),
    ]


def _no_connection(story: Story) -> str:
    return trace_words.no_connection(story.judged) if story.judged else ""


def _locks(story: Story) -> str:
    if story.judged is None:
        return ""
    return trace_words.under_result(story.judged, shows_names=story.shows_log)


def _what_happened(story: Story) -> str:
    migration = story.migration
    match migration.result:
        case MigrationResult.SUCCESS:
            return "the migration command succeeded."
        case MigrationResult.SUPERSEDED:
            return "a newer commit was migrated here already, so this one was not run."
        case MigrationResult.SKIPPED:
            return "there was nothing to run."
        case MigrationResult.NEVER_CONNECTED:
            return _NEVER_CONNECTED
        case MigrationResult.TIMED_OUT:
            minutes = story.run.timeout_minutes
            return f"the migration command was stopped after `timeout-minutes` ({minutes})."
        case _ if migration.duration_seconds is None:
            return (
                "the runner stopped reporting before the migration command ended. Its login and "
                "its sessions were ended; the database may be half migrated."
            )
        case _:
            return "the migration command failed."


def _rebuilt(migration: Migration) -> str:
    if not migration.rebuilt:
        return ""
    return (
        f"{migration.environment.capitalize()} had failed with this commit, so it was **made"
        " anew** and migrated again. This is the result of the second try."
    )


def _facts(story: Story) -> str:
    migration = story.migration
    return facts(migration.duration_seconds, migration.exit_code, command=story.run.command)


def _on_output(migration: Migration) -> str:
    """Our own words, which anybody may read: nothing of the output is repeated."""
    return "" if migration.is_good else on_output((migration.seeding or migration).log_tail)


def _advice(story: Story) -> str:
    parts = []
    if _conclusion(story) is Conclusion.NEUTRAL and not story.migration.has_ended_well:
        parts.append("Preview is shared by all branches, so its failure does not fail this commit.")
    if not story.shows_log and story.job_url:
        job = link("the workflow's job", story.job_url)
        parts.append(f"The log is in {job}.")
    if _conclusion(story) in {Conclusion.FAILURE, Conclusion.NEUTRAL}:
        parts.append("**Re-run** starts the workflow's job again.")
    is_logged = story.migration.result not in {MigrationResult.SUPERSEDED, MigrationResult.SKIPPED}
    parts.append(_dashboard(story, "has more of the log" if is_logged else "has more"))
    return " ".join(part for part in parts if part)


def _running(story: Story) -> list[str]:
    return [
        f"{database_words(story.database)} is being migrated.",
        command_line(story.run.command),
        _dashboard(story, "follows it"),
    ]


def _dashboard(story: Story, does: str) -> str:
    """Where all of it is, for those whom the dashboard shows it."""
    return "" if story.run_url is None else f"{link('The dashboard', story.run_url)} {does}."


def _log(story: Story) -> str:
    if not story.shows_log:
        return ""
    migration = story.migration
    if migration.seeding is None:
        return log_blocks(migration.log_tail)
    return log_blocks(migration.log_tail, migration.seeding.log_tail)


_MOST_NAMED = 20


def title(migration: Migration) -> str:
    """What is added to the title: an invalid index is a fault; else empty."""
    number = len(_of(migration, UnfinishedKind.INDEX))
    if not number:
        return ""
    return f", left {'an invalid index' if number == 1 else f'{number} invalid indexes'}"


def summary(migration: Migration, *, shows_names: bool) -> str:
    """What was left, and what to do; `shows_names`: readers may see what the command printed."""
    parts = []
    if indexes := _of(migration, UnfinishedKind.INDEX):
        what = "an invalid index" if len(indexes) == 1 else f"{len(indexes)} invalid indexes"
        parts.append(
            f"**The run left {what} behind.** PostgreSQL does not use such an index, and"
            " `CREATE INDEX IF NOT EXISTS` takes it for made, so that the next run looks good."
            " Drop it (`DROP INDEX CONCURRENTLY`) and make it again."
        )
        parts.append(_names(indexes) if shows_names else "")
    if constraints := _of(migration, UnfinishedKind.CONSTRAINT):
        parts.append(
            f"Made and not validated: {amounts.counted(len(constraints), 'constraint')}. That may"
            " be meant: rows of before are not held to it until"
            " `ALTER TABLE ... VALIDATE CONSTRAINT`."
        )
        parts.append(_names(constraints) if shows_names else "")
    return "\n\n".join(part for part in parts if part)


def _of(migration: Migration, kind: UnfinishedKind) -> list[Unfinished]:
    return [one for one in migration.unfinished if one.kind is kind]


def _names(found: Sequence[Unfinished]) -> str:
    lines = [
        f"- {code(one.name)} on {code(f'{one.namespace}.{one.table}')}"
        for one in found[:_MOST_NAMED]
    ]
    more = len(found) - len(lines)
    return "\n".join([*lines, f"- and {more} more"] if more else lines)


# GitHub takes 65,535 characters for a summary and as many for a text.
# https://docs.github.com/en/rest/checks/runs
