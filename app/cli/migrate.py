"""The command that migrates the database for local work, and seeds it once, on this machine."""

import shutil
from dataclasses import dataclass
from typing import Annotated

import typer

from app import process_environment
from app.cli import which
from app.cli.client import Client
from app.cli.connect import Repo, Revealed, revealed
from app.cli.databases import AppOption
from app.cli.output import agree_to_run, note, remark, say, visible
from app.cli.target import open_client
from app.cli.which import Which
from app.core import user_command
from app.core.audit import AuditEvent
from app.core.errors import CoppiceError, Invalid
from app.core.seeding import LocalSeed
from app.core.user_command import Inherited, Names

# libpq's own (PGHOSTADDR, PGSERVICE, PGOPTIONS...) would lead to another server or login than the
# one that is meant; COPPICE_ holds secrets of a service on this machine.
_REMOVED_PREFIXES = ("PG", "COPPICE_")
_REMOVED_NAMES = (
    "DATABASE_URL",
    "DATABASE_URL_POOLED",
    "PRISMA_ACCELERATE_URL",
    "SHADOW_DATABASE_URL",
)


class NoBash(CoppiceError):
    """bash is not installed."""

    code = "no_bash"
    advice = "Install it: commands are run by bash here as they are on runners."


def add_to(program: typer.Typer) -> None:
    program.command(rich_help_panel="Connecting")(migrate)


def migrate(  # noqa: PLR0913 - the options that people type
    repo: Repo = None,
    *,
    app_id: AppOption = None,
    migration_command: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="What migrates it. Default: the assignment's."),
    ] = None,
    seed_command: Annotated[
        str | None,
        typer.Option(metavar="COMMAND", help="What fills it. Default: the assignment's."),
    ] = None,
    seed: Annotated[
        bool | None,
        typer.Option(
            "--seed/--no-seed",
            help="Seed it now, whatever it holds; or leave it as it is, now and later. Default:"
            " seed it once, when it is new or was emptied.",
        ),
    ] = None,
    database_variables: Annotated[
        str, typer.Option(metavar="NAMES", help="Further variables that hold its URL: A,B.")
    ] = "",
    keep_env: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Variables with other databases' URLs that stay: A,B.",
        ),
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Run commands of a service elsewhere unasked.")
    ] = False,
) -> None:
    """Migrate the database for local work (dev) from this folder, and seed it once.

    Runs the migration command here, on this machine, with the variables that `env` prints, and
    after the first success the seed command. Ends with the exit code of what failed.

    On stderr it says who holds a lock that they have waited for, after ten seconds, and which
    indexes and constraints they left unfinished.

    Both run as a workflow's step does: by bash, and to the first failure.
    """
    names = _names(database_variables, keep_env)
    runner = _Runner(
        bash=_bash(),
        names=names,
        inherited=user_command.inherited(
            process_environment.variables(), names, is_removed=_is_removed
        ),
    )
    repo = which.repository(repo)
    with open_client() as client:
        given = revealed(client, Which(name=repo, app_id=app_id), purpose=AuditEvent.MIGRATE)
        work = client.get(f"/databases/{given.database['id']}")
        command = (migration_command or given.app["migration_command"]).strip()
        if not command:
            raise Invalid(
                f"{repo} has no migration command that the service knows.",
                advice="Give the one of your workflow: --migration-command COMMAND",
            )
        follows = (seed_command or given.app["policies"]["seed_command"]).strip()
        if seed and not follows:
            raise Invalid(f"{repo} has no seed command.", advice="Give it: --seed-command COMMAND")
        awaits_seed = bool(work["awaits_seed"])
        if seed is None and seed_command and not awaits_seed:
            remark(f"{given.name} awaits no seed; --seed runs the command once more.")
        is_seeded = bool(follows) and (awaits_seed if seed is None else seed)
        theirs = [
            one
            for one, typed, is_run in (
                (command, migration_command, True),
                (follows, seed_command, is_seeded),
            )
            if client.is_elsewhere and is_run and not typed
        ]
        agree_to_run(theirs, is_agreed=yes)
        runner.tell()
        if not runner.run(given, command, what="migration"):
            say(f"{given.name} does not count as migrated: nobody connected to it.")
        elif is_seeded:
            _seed(client, given, runner, follows, generation=work["generation"])
        else:
            # What is settled is not due at the next migration either.
            if awaits_seed and (seed is False or not follows):
                _tell(client, given, LocalSeed.NONE, generation=work["generation"])
            say(f"{given.name} is migrated.")


def _seed(
    client: Client, given: Revealed, runner: "_Runner", command: str, *, generation: int
) -> None:
    is_seeded = False
    try:
        is_seeded = runner.run(given, command, what="seed")
    finally:
        seed = LocalSeed.SUCCESS if is_seeded else LocalSeed.FAILURE
        _tell(client, given, seed, generation=generation)
    seeded = "migrated and seeded" if is_seeded else "migrated; it does not count as seeded"
    say(f"{given.name} is {seeded}.")


def _tell(client: Client, given: Revealed, seed: LocalSeed, *, generation: int) -> None:
    client.post(f"/databases/{given.database['id']}/migrated", generation=generation, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runner:
    """By what the two commands are run, and what they get of this shell's variables."""

    bash: str
    names: Names
    inherited: Inherited

    def tell(self) -> None:
        """Say what they do not get as it is."""
        if self.inherited.set:
            remark(f"Its URL is in these variables too: {', '.join(self.inherited.set)}")
        if self.inherited.taken:
            taken = visible(", ".join(self.inherited.taken))
            remark(
                f"Taken away, since they lead to other databases: {taken} (--keep-env NAME lets"
                " the commands have one)"
            )

    def run(self, given: Revealed, command: str, *, what: str) -> bool:
        """Run one of the two to its end; ends ours with its exit code if it fails.

        False: it ended well, but certainly never connected to the database.
        """
        # Late: those who ask for help, or mistyped something, have no use for it.
        from app.postgres.beside import run_watched

        remark(f"{given.name}: running the {what} command: {visible(command)}")
        # The variables are in the environment alone: a command line is seen by the whole machine.
        variables = given.variables
        urls = dict.fromkeys(self.inherited.set, variables["DATABASE_URL"])
        course = run_watched(
            lambda: process_environment.run_script(
                self.bash, command, {**urls, **variables}, kept=self.inherited.kept
            ),
            variables,
            say=note,
        )
        for line in course.remarks:
            note(line)
        if course.exit_code != 0:
            also = (
                "The migration succeeded; the next migration tries the seed again."
                if what == "seed"
                else "Nothing was seeded."
            )
            remark(f"The {what} command ended with exit code {course.exit_code}. {also}")
            raise typer.Exit(course.exit_code)
        if course.never_connected:
            remark(
                f"The {what} command ended well, but never connected to {given.name}. It has"
                " to read DATABASE_URL or PGHOST and the like; --database-variables NAME gives it"
                " the same URL under a further name."
            )
        return not course.never_connected


def _names(database_variables: str, keep_env: str) -> Names:
    names = Names(
        database=user_command.names_in(database_variables), keep=user_command.names_in(keep_env)
    )
    for option, values in (("--database-variables", names.database), ("--keep-env", names.keep)):
        if wrong := user_command.complaint(values):
            raise Invalid(f"{option} {wrong}.")
    if both := set(names.database) & set(names.keep):
        raise Invalid(f"{min(both)} is in --database-variables and in --keep-env.")
    return names


def _is_removed(name: str) -> bool:
    return name in _REMOVED_NAMES or name.startswith(_REMOVED_PREFIXES)


def _bash() -> str:
    found = shutil.which("bash")
    if found is None:
        raise NoBash("bash was not found.")
    return found
