"""Assignments: an app on an instance, with its migration command and policies."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from annotated_types import Len, MaxLen

from app.core.identifiers import AppId, InstanceId, RepositoryId
from app.core.rules import Rule, rules_of

MOST_PATTERNS = 100
"""Ignore patterns of an assignment: each is read for each branch, in every process."""
MOST_LETTERS = 255
LONGEST_COMMAND = 100_000
TIME = "TIME"
"""What is typed for a time, as in 30s; empty: none."""
AMOUNT = "AMOUNT"
"""What is typed for the size of a table, as in 100MB, or 100000 for rows; empty: none."""


class PreviewPolicy(StrEnum):
    """Which revisions migrate the shared preview database."""

    SHARED = "shared"
    DEFAULT_BRANCH = "default-branch"
    OFF = "off"


class PreviewFailure(StrEnum):
    """What a failing preview on the default branch causes."""

    REBUILD = "rebuild"
    KEEP = "keep"


class RunnerPolicy(StrEnum):
    """Which runners may get production."""

    ANY = "any"
    GITHUB_HOSTED = "github-hosted"


class BotPolicy(StrEnum):
    """Which bots may get production."""

    NO_DEPENDABOT = "no-dependabot"
    ALL = "all"
    NONE = "none"


class LogPolicy(StrEnum):
    """Where the end of a migration's log may be shown."""

    PRIVATE = "private"
    """In check runs of private repositories only."""
    PUBLIC = "public"


class Parent(StrEnum):
    """What new branch databases, and the shared preview, begin as."""

    EMPTY = "empty"
    FIXTURE = "fixture"
    """A clone of the last template that the default branch has made: migrated and seeded."""


class TracePolicy(StrEnum):
    """Of which databases' migrations it is seen what each statement locks."""

    BRANCHES = "branches"
    """All but production."""
    ALL = "all"
    OFF = "off"


Name = Annotated[str, Len(1, MOST_LETTERS)]
Command = Annotated[str, MaxLen(LONGEST_COMMAND)]

_PRODUCTION = "Production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """The rules of an assignment."""

    # The table of all of them, in the order of the form; the defaults are the safe ones. One more
    # rule is one more field, and what obeys it.
    seed_command: Annotated[
        Command,
        Rule(
            option="--seed-command",
            metavar="COMMAND",
            help="Run once for each new database after its first migration, unless the workflow"
            " gives its own; '' ends that. Default: none.",
            label="Seed command",
            hint="Runs once for each new branch, preview or dev database, after its first"
            " migration.",
            fact="Seed",
        ),
    ] = ""
    parent: Annotated[
        Parent,
        Rule(
            option="--parent",
            help="What new branch databases, and preview when it is made anew, begin as. `empty`"
            " (default): nothing is in them. `fixture`: clones of a template, which the default"
            " branch's runs migrate and seed after production, when migrations changed.",
            label="New databases begin",
            choices={
                Parent.EMPTY: "Empty",
                Parent.FIXTURE: "As a clone of a template: migrated and seeded",
            },
            told={Parent.FIXTURE: "begin as clones of a template, migrated and seeded"},
            fact="New databases",
        ),
    ] = Parent.EMPTY
    ignore_patterns: Annotated[
        tuple[Name, ...],
        MaxLen(MOST_PATTERNS),
        Rule(
            option="--ignore",
            metavar="PATTERN",
            help="Branches that get no database, as in 'tmp/**' (written as in a workflow's"
            " `branches`). May be repeated. Default: every branch gets one.",
            label="Ignored branches",
            hint="One pattern on each line, as in dependabot/**. These branches get no database.",
            rows=3,
        ),
    ] = ()
    preview: Annotated[
        PreviewPolicy,
        Rule(
            option="--preview",
            help="Who migrates the shared preview database. `shared` (default): every branch,"
            " beside its own. `default-branch`: that one alone, before production. `off`: nobody.",
            label="Preview database",
            choices={
                PreviewPolicy.SHARED: "Shared: every revision migrates it",
                PreviewPolicy.DEFAULT_BRANCH: "Only the default branch migrates it",
                PreviewPolicy.OFF: "None",
            },
            fact="Preview",
            told={
                PreviewPolicy.DEFAULT_BRANCH: "only the default branch migrates it",
                PreviewPolicy.OFF: "none",
            },
        ),
    ] = PreviewPolicy.SHARED
    preview_failure: Annotated[
        PreviewFailure,
        Rule(
            option="--on-preview-failure",
            help="When preview fails on the default branch. `rebuild` (default): make it anew and"
            " migrate it once more; only a second failure stops production. `keep`: leave it; the"
            " failure stops production.",
            label="When preview fails on the default branch",
            choices={
                PreviewFailure.REBUILD: "Make it anew and migrate it once more",
                PreviewFailure.KEEP: "Keep it as it is",
            },
            fact="Failed preview",
            told={PreviewFailure.KEEP: "is kept as it is"},
        ),
    ] = PreviewFailure.REBUILD
    extensions: Annotated[
        tuple[Name, ...],
        MaxLen(100),
        Rule(
            option="--extension",
            metavar="NAME[:SCHEMA]",
            help="Extension to create in each database, with what it requires, as in pg_trgm, or"
            " in a schema of its own, as in vector:extensions; the server must have it. May be"
            " repeated. Default: none.",
            label="Extensions",
            hint="One on each line, as in pg_trgm, or vector:extensions for a schema of its own."
            " They are created in every database.",
        ),
    ] = ()
    lock_timeout: Annotated[
        str,
        MaxLen(20),
        Rule(
            option="--lock-timeout",
            metavar=TIME,
            help="How long a migration's sessions wait for a lock, as in 30s, on all databases of"
            " the app; '' ends that. Recommended where an application is in use: who waits for a"
            " lock makes everybody wait who comes later. Default: as long as it takes.",
            label="Wait for a lock at most",
            hint="As in 30s; empty means as long as it takes. A migration that waits for a lock"
            " makes everybody wait who comes after it, so it should give up where an application is"
            " in use.",
            fact="Locks",
            told="are waited for this long",
            description="How long a job's sessions wait for a lock; empty: as long as it takes",
            example="30s",
        ),
    ] = ""
    trace: Annotated[
        TracePolicy,
        Rule(
            option="--trace",
            help="Of which migrations Coppice sees what each statement locks, and for how long."
            " `branches` (default): of all databases but production. `all`: of production too,"
            " where a read of the catalog then follows each statement. `off`: of none.",
            label="Trace of locks",
            choices={
                TracePolicy.BRANCHES: "All databases but production",
                TracePolicy.ALL: "Production too",
                TracePolicy.OFF: "Off",
            },
            told={
                TracePolicy.ALL: "of production's migrations too",
                TracePolicy.OFF: "off",
            },
            fact="Trace",
        ),
    ] = TracePolicy.BRANCHES
    no_rewrite_above: Annotated[
        str,
        MaxLen(20),
        Rule(
            option="--no-rewrite-above",
            metavar=AMOUNT,
            help="The check `trace` fails when a traced migration rewrites a table that is larger"
            " in production, as in 100MB, or 100000 for rows; '' removes the rule. Default: no"
            " such rule.",
            label="No rewrite of tables above",
            hint="As in 100MB, or 100000 for rows, of the table in production. The check trace"
            " fails then; the migration's own result stays.",
            fact="Rewrites",
            told="in production is the most that a table may have for it",
            description="Bytes or rows of a table in production; empty: no such rule",
            example="100MB",
        ),
    ] = ""
    no_block_above: Annotated[
        str,
        MaxLen(20),
        Rule(
            option="--no-block-above",
            metavar=AMOUNT,
            help="The check `trace` fails when a traced migration blocks reads or writes of a table"
            " that is larger in production, however shortly; '' removes the rule. Default: no such"
            " rule.",
            label="No blocking of tables above",
            hint="The same for locks that block reads or writes, however shortly.",
            fact="Blocking",
            told="in production is the most that a table may have for it",
            description="Bytes or rows of a table in production; empty: no such rule",
            example="1GB",
        ),
    ] = ""
    production_environment: Annotated[
        str,
        MaxLen(MOST_LETTERS),
        Rule(
            option="--production-environment",
            metavar="NAME",
            help="GitHub environment that a job must run in (`environment:`) to get production."
            " Default: it needs none.",
            label="GitHub environment that jobs need",
            hint="Its protection rules then guard production too.",
            group=_PRODUCTION,
            fact="Production",
            told="is the GitHub environment that jobs need",
        ),
    ] = ""
    runners: Annotated[
        RunnerPolicy,
        Rule(
            option="--runners",
            help="Runners that may get production. `any` (default): self-hosted ones too."
            " `github-hosted`: those alone.",
            label="Runners",
            choices={
                RunnerPolicy.ANY: "Any",
                RunnerPolicy.GITHUB_HOSTED: "GitHub-hosted only",
            },
            group=_PRODUCTION,
            told={RunnerPolicy.GITHUB_HOSTED: "for production GitHub-hosted only"},
        ),
    ] = RunnerPolicy.ANY
    bots: Annotated[
        BotPolicy,
        Rule(
            option="--bots",
            help="Bots whose runs may get production. `no-dependabot` (default): all but"
            " Dependabot. `all`: Dependabot too. `none`: people's runs alone.",
            label="Bots",
            choices={
                BotPolicy.NO_DEPENDABOT: "All but Dependabot",
                BotPolicy.ALL: "All",
                BotPolicy.NONE: "None",
            },
            group=_PRODUCTION,
            told={
                BotPolicy.ALL: "all may get production",
                BotPolicy.NONE: "none may get production",
            },
        ),
    ] = BotPolicy.NO_DEPENDABOT
    allowed_workflows: Annotated[
        tuple[Name, ...],
        MaxLen(100),
        Rule(
            option="--allow-workflow",
            metavar="WORKFLOW",
            help="Reusable workflow of another repository that may get production, as"
            " owner/repo/.github/workflows/file.yml@COMMIT (40 digits). May be repeated. Default:"
            " only the repository's own workflows, on the default branch.",
            label="Reusable workflows",
            hint="Workflows of other repositories that may get production, one on each line:"
            " owner/repo/.github/workflows/file.yml@commit.",
            group=_PRODUCTION,
            told="may get production",
        ),
    ] = ()
    runtime_production: Annotated[
        bool,
        Rule(
            option="--runtime-production/--no-runtime-production",
            help="Whether jobs that may have production may also have its long-lived login"
            " (`credentials: runtime`), as a deployment needs it. Default: no.",
            label="Jobs may ask for production's long-lived login",
            hint="For workflows that deploy the application.",
            group=_PRODUCTION,
            fact="Deploying jobs",
            told="may ask for production's long-lived login",
        ),
    ] = False
    seed_production: Annotated[
        bool,
        Rule(
            option="--seed-production/--no-seed-production",
            help="Whether the seed command runs on production too. Default: no.",
            label="Seed production too",
            group=_PRODUCTION,
            fact="Seed",
            told="of production too, when the workflow gives a command",
        ),
    ] = False
    log: Annotated[
        LogPolicy,
        Rule(
            option="--log",
            help="Where GitHub shows the end of a migration's log, and a trace's statements with"
            " production's sizes (check runs, comment, job summary). `private` (default): on"
            " private repositories only, on public ones they link to the job. `public`: on public"
            " ones too, where everybody can read it.",
            label="Logs and traces at GitHub",
            choices={
                LogPolicy.PRIVATE: "In private repositories only",
                LogPolicy.PUBLIC: "In public repositories too",
            },
            told={LogPolicy.PUBLIC: "its end is in check runs of public repositories too"},
            fact="Log",
        ),
    ] = LogPolicy.PRIVATE

    def shows_log(self, *, is_private: bool) -> bool:
        """Whether readers of the repository may see what a command printed, and ran."""
        return is_private or self.log is LogPolicy.PUBLIC

    @property
    def has_rules_for_traces(self) -> bool:
        """Whether the check of a trace can fail, and so may be required."""
        is_ruled = bool(self.no_rewrite_above or self.no_block_above)
        return is_ruled and self.trace is not TracePolicy.OFF


RULES = rules_of(Policies)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A repository, or one part of it, that has databases."""

    id: AppId
    repository_id: RepositoryId
    has_bare_checks: bool
    """The repository's first app: its check runs carry no app id, for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An app on an instance."""

    app: App
    instance_id: InstanceId
    migration_command: str
    policies: Policies
