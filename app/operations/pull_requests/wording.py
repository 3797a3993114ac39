"""What we say below pull requests. Pure: Markdown for people, never a secret."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import public_reasons
from app.core.amounts import size
from app.core.commands import Verb
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, CommentId, DatabaseName, RunId
from app.core.instances import Instance
from app.core.markdown import block, cell, code, link, visible
from app.core.pages import app_page, run_page
from app.core.reasons import DORMANT
from app.core.runs import LastMigration, MigrationResult
from app.operations import typed

SUMMARY_MARKER = "<!-- coppice: the databases of this pull request -->"

MOST_OF_CHANGES = 20_000
"""Characters of the schema's changes. GitHub takes 65,536 for a comment."""

_OUT_OF_TIME = "stopped: out of time"
_HELP = """\
| command | what it does | for whom |
|---|---|---|
| `/db status` | brings the comment about databases up to date | read (in public: triage) |
| `/db url` | where the branch's database is, and how to get its password | write |
| `/db fix` | makes or repairs the branch's database; its data stays | write |
| `/db reset` | **empties** the branch's database or clones it anew; protected: maintain | write |
| `/db migrate` | starts the workflow job again that migrated this commit last | write |
| `/db help` | this | write |

One command in a comment, in lower case and alone on its first line, with nothing before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTrace:
    """What the traces of a branch say, in Markdown; empty where that is nothing."""

    line: str
    counts: str
    """The same without names and sizes."""
    changes: str = ""
    """Of the schema."""
    run_id: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A database as the comment shows it."""

    database: Database
    last: LastMigration | None
    parent: DatabaseName | None = None
    """The template that it began as."""
    size_bytes: int | None = None
    over_limit: str | None = None
    """What people should know of its size."""
    trace: LastTrace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The databases of a pull request at a time."""

    head_branch: BranchName
    is_open: bool
    rows: tuple[Row, ...]
    """The branch's first; then preview's, which it shares."""
    retention: timedelta
    at: datetime
    dashboard: str | None
    """Its address; None: readers at GitHub do not reach it."""

    @property
    def own(self) -> tuple[Row, ...]:
        """The rows that belong to this pull request's branch alone."""
        return tuple(row for row in self.rows if row.database.environment is Environment.BRANCH)


def reply_marker(comment_id: CommentId) -> str:
    """By which a reply is found again whose making was cut off."""
    return f"<!-- coppice: reply to {comment_id} -->"


def reply(comment_id: CommentId, verb: Verb, text: str) -> str:
    """A whole answer to a command."""
    asked = "" if verb is Verb.UNKNOWN else f"> `/db {verb}`\n\n"
    return f"{reply_marker(comment_id)}\n{asked}{text}"


def usage(why: str = "") -> str:
    """The commands, perhaps after what was wrong."""
    return f"{why}\n\n{_HELP}" if why else _HELP


def summary(overview: Overview) -> str:
    """The comment about a pull request's databases."""
    lines = [
        SUMMARY_MARKER,
        f"**Databases of {code(overview.head_branch)}**",
        "",
        *_table(overview),
        "",
        *_traces(overview),
        _footnote(overview),
    ]
    return "\n".join(lines)


def news(overview: Overview) -> str:
    """What a new comment would tell, amounts, times and the shared database apart.

    A comment is edited when this changes: not for each of many commits that all went well.
    """
    told = [
        f"{row.database.id}.{row.database.generation} {row.database.state}"
        f" {row.last.word if row.last else '-'}{_news_of(row.trace)}"
        for row in overview.own
    ]
    return "\n".join(["open" if overview.is_open else "closed", *told])


def addresses(places: Sequence[tuple[Database, Instance]], *, way: str) -> str:
    """Where databases are, without their passwords: for private repositories only."""
    shown = [
        block(
            f"PGHOST={instance.public_address.host}\nPGPORT={instance.public_address.port}\n"
            f"PGDATABASE={database.name}\nPGUSER={database.login_role}\n"
            f"PGSSLMODE={instance.public_address.sslmode}"
        )
        for database, instance in places
    ]
    return "\n\n".join([*shown, f"The password is not written here. {way}"])


def no_addresses(way: str) -> str:
    """The same for public repositories: a comment is mailed, copied and never recalled."""
    return f"This repository is public, so nothing of the address is written here. {way}"


def way_to_connect(
    repository: str, branch: BranchName, *, app_ids: Sequence[AppId | None], public_url: str
) -> str:
    """How to get the password of a branch's databases: of those apps, or of the only one (None)."""
    commands = [f"coppice login {public_url}"]
    commands += [typed.env(repository, app_id=one, branch=visible(branch)) for one in app_ids]
    return (
        "Whoever may write to the repository gets it with their own GitHub login: on the dashboard,"
        f" {public_url}, or with\n\n{block(chr(10).join(commands))}"
    )


def too_late() -> str:
    """The command could not be carried out in time."""
    return (
        "GitHub did not answer for half an hour, so this was not carried out. If it is still"
        " wanted, give the command again."
    )


def nothing_to_rerun(actions_url: str) -> str:
    """No job of the head commit is known that migrated."""
    return (
        "No workflow job has migrated this commit yet, so there is none to start again. Start the"
        f" workflow that uses the Action by hand in [Actions]({actions_url}), or push."
    )


def not_rerun(reason: str, job_url: str | None) -> str:
    """GitHub did not start the job again."""
    where = f"[this workflow job]({job_url})" if job_url else "the workflow"
    return f"{code(reason)}\n\nIf it does not run already, start {where} by hand."


def _table(overview: Overview) -> list[str]:
    if not overview.rows:
        if not overview.is_open:
            return ["The branch has no database any more."]
        return [DORMANT.markdown]
    return [
        "| database | state | last migration | size |",
        "|---|---|---|---|",
        *(_line(row, overview.dashboard) for row in overview.rows),
    ]


def _news_of(trace: LastTrace | None) -> str:
    """Not the sizes: those of production are others each time."""
    told = f" {trace.counts}" if trace and trace.counts else ""
    changes = trace.changes if trace else ""
    return told + (f" {changes.partition('</summary>')[0]}" if changes else "")


def _traces(overview: Overview) -> list[str]:
    told = []
    for row in overview.own:
        if row.trace and row.trace.line:
            told += [_trace(row, row.trace, overview.dashboard), ""]
        if row.trace and row.trace.changes:
            told += [row.trace.changes, ""]
    return told


def _trace(row: Row, trace: LastTrace, dashboard: str | None) -> str:
    details = "the check `trace` says more"
    if dashboard is not None:
        details = link("details", run_page(dashboard, row.database.app_id, trace.run_id))
    return f"Trace of {code(row.database.name)}: {trace.line}, {details}."


def _line(row: Row, dashboard: str | None) -> str:
    # Made of letters, digits, dots and dashes: no bar ends the cell.
    name = code(row.database.name)
    if row.database.environment is Environment.PREVIEW:
        name += " (preview, shared by all branches)"
    amount = "" if row.size_bytes is None else size(row.size_bytes)
    return f"| {name} | {_state(row)} | {_migration(row, dashboard)} | {amount} |"


def _state(row: Row) -> str:
    database = row.database
    match database.state:
        case DatabaseState.READY if row.over_limit is not None:
            return f"ready. {row.over_limit}"
        case DatabaseState.CREATING:
            return "being made"
        case DatabaseState.ERROR:
            return _failure(database)
        case DatabaseState.DELETED if database.drop_after is not None:
            return f"deleted; its data is kept until {database.drop_after:%Y-%m-%d}"
        case state:
            return state.value


def _failure(database: Database) -> str:
    """The cause, where everybody may read it."""
    word = "**frozen**" if database.is_frozen else "**failed**"
    quoted = public_reasons.quotable(database.reason_code, database.reason)
    if quoted is not None:
        return f"{word}: {cell(quoted)}"
    known = public_reasons.sentence(database.reason_code)
    if known is not None:
        return f"{word}: {known} The check `database` says more."
    return f"{word}: the check `database` says why"


def _migration(row: Row, dashboard: str | None) -> str:
    last, database = row.last, row.database
    if last is None:
        began = f"as {code(row.parent)}" if row.parent else ""
        if database.generation == 1 or database.environment is not Environment.BRANCH:
            return began or "none yet"
        return f"{began or 'none since it was emptied'}: now `/db migrate`, or push"
    word = _OUT_OF_TIME if last.result is MigrationResult.TIMED_OUT else last.word
    result = f"**{word}**" if last.has_failed else word
    if dashboard is not None:
        result = link(result, run_page(dashboard, database.app_id, last.run_id))
    return f"{result}, {last.head_sha[:9]}, {last.at:%Y-%m-%d %H:%M} UTC"


def _footnote(overview: Overview) -> str:
    at = f"{overview.at:%Y-%m-%d %H:%M} UTC"
    if not overview.is_open:
        days = overview.retention.days
        return (
            f"As of {at}. This pull request is closed. A branch's database goes with the branch;"
            f" its data is kept for {days} {'day' if days == 1 else 'days'} after that."
        )
    return (
        f"As of {at}. The checks of each commit tell of its own migrations;"
        " `/db status` brings this up to date, `/db help` lists what else there is."
        + _more(overview)
    )


def _more(overview: Overview) -> str:
    if overview.dashboard is None or not overview.own:
        return ""
    apps = [row.database.app_id for row in overview.own]
    pages = ", ".join(link(app, app_page(overview.dashboard, app)) for app in apps)
    return f" More is on the dashboard: {pages}."
