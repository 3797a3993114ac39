"""What people read about one database that was not migrated: one text per cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from action.errors import Problem

if TYPE_CHECKING:
    from action.limit import Limit


def unreachable(where: str, why: str, *, is_loopback: bool) -> Problem:
    """The runner cannot open a connection to the server."""
    hint = (
        "That address is the runner itself: only a runner on the server's own machine reaches"
        " it. Edit the instance and give it a host that your runners reach"
        " (`coppice instances edit NAME --public-host db.example.com`), or run this job on"
        " that machine."
        if is_loopback
        else "Open the server's firewall for your runners, use a self-hosted runner in the same"
        " network, or correct the instance's public host"
        " (`coppice instances edit NAME --public-host db.example.com`)."
    )
    return Problem(
        title=f"This runner cannot reach the database server at {where}: {why}.",
        text=f"The command was not run. {hint}",
    )


def tls_failed(where: str, why: str) -> Problem:
    """The server does not offer the encryption that the instance asks for."""
    return Problem(
        title=f"No safe connection to the database server at {where}: {why}.",
        text=(
            "The command was not run. The instance's sslmode and CA certificate decide what is"
            " accepted; `coppice instances test NAME` tries the same from the service."
            " `verify-full` needs a certificate that names the host that runners use."
        ),
    )


def login_refused(where: str, why: str) -> Problem:
    """PostgreSQL refused the login that the service had just made or checked."""
    return Problem(
        title=f"The database server at {where} refused the login: {why}.",
        text=(
            "The command was not run. The service had checked this login, so the server that"
            " this runner reaches may be another one than the service's, or its `pg_hba.conf`"
            " does not let this runner in. Logins need `scram-sha-256`."
        ),
    )


def wrong_database(where: str, expected: str) -> Problem:
    """What answers is not the database that the service meant."""
    return Problem(
        title=f"The server at {where} is not the one that holds {expected}: its mark is missing.",
        text=(
            "The command was not run: it would have changed another database. Every database"
            " carries a mark that the service set, and it was looked for from this runner. Check"
            " that the instance's public host and port (and those of its pooler) lead to the"
            " same server from here as from the service."
        ),
        is_alarm=True,
    )


def waited_too_long(
    database: str, why: str, *, seconds: float, setting: str = "timeout-minutes"
) -> Problem:
    """The database was not to be had in time."""
    return Problem(
        title=f"{database} was not available after {seconds / 60:.0f} minutes: {why}",
        text=(
            "The command was not run. Re-run this job when the other run has ended or the"
            " database is ready; the service's dashboard and the `database` check of this"
            f" commit show its state. `{setting}` also limits waiting for another run."
        ),
    )


def command_failed(database: str, *, exit_code: int | None, environment: str) -> Problem:
    """The command ended by itself, not with zero."""
    how = "could not be started" if exit_code is None else f"ended with exit code {exit_code}"
    beyond_repair = {
        "branch": " A database that is beyond repair is made anew with `/db reset` in a pull"
        f" request's comment, or with `coppice databases reset {database}`.",
        "preview": " A database that is beyond repair is made anew with"
        f" `coppice databases reset {database}`.",
    }
    return Problem(
        title=f"The migration command {how} on {database}.",
        text="Its own output says why. Correct the migration and push again; what it had committed"
        f" stays.{beyond_repair.get(environment, '')}",
    )


def found_no_way(failed: Problem, refused: str) -> Problem:
    """No connection of the command's came by the way on loopback that it was given to be traced.

    `refused` says who came there and was not let in, which may have been somebody else; else empty.
    """
    nobody = (
        f"{failed.title.rstrip('.')}, and no connection came by the DATABASE_URL and PGHOST that it"
        " got. If its tool runs in a container or pod: write `trace: off` below `with:`, or"
        " `docker run --network host`."
    )
    return Problem(
        title=f"{failed.title} {refused}" if refused else nobody,
        text=(
            "A traced command is led to its database over 127.0.0.1 of this runner. Only the login"
            " that it got is let in there, with TLS by the certificate that PGSSLROOTCERT names."
            " And a container or pod has a 127.0.0.1 of its own: let it share the runner's"
            " (`docker run --network host`). With\n\n```yaml\nwith:\n  trace: off\n```\n\nthe"
            " command gets the server's own address. If none of this is so, it is not why the"
            f" command failed. {failed.text}"
        ),
    )


def never_connected(database: str) -> Problem:
    """The command ended well, and PostgreSQL saw nobody."""
    return Problem(
        title=f"The migration command ended well, but never connected to {database}.",
        text=(
            "So nothing counts as migrated; what waits for it goes on. If the command had nothing"
            " to do, all is well. Otherwise it did not start its tool, or the tool went to another"
            " database: it has to read `DATABASE_URL` or `PGHOST` and the like. A further name for"
            " the same URL is given to it by\n\n"
            "```yaml\nwith:\n  database-variables: NAME\n```"
        ),
    )


def seed_never_connected(database: str) -> Problem:
    """The same for the seed command, after a migration that counts."""
    return Problem(
        title=f"The seed command ended well, but never connected to {database}.",
        text=(
            "The migration itself succeeded. The database does not count as seeded: the next run"
            " tries the seed command again. It has to read `DATABASE_URL` or `PGHOST` and the"
            " like; `database-variables` gives it the same URL under further names."
        ),
    )


def command_timed_out(database: str, limit: Limit) -> Problem:
    """The command was stopped by our limit."""
    return Problem(
        title=f"The migration command was stopped after {limit} on {database}.",
        text=(
            "It and everything that it had started were ended. If it waits for a lock, find out"
            " who holds it; if it needs more time, allow it:\n\n"
            f"```yaml\nwith:\n  {limit.setting}: {min(limit.minutes * 2, 360)}\n```"
        ),
    )


def not_seeded(database: str, how: str) -> Problem:
    """The migration went well, the seed command after it did not."""
    return Problem(
        title=f"The seed command {how} on {database}; the migration itself succeeded.",
        text=(
            "The database is migrated and counts as such, but its sample data may be incomplete."
            " The next run tries the seed command again, so it must not mind what is there"
            " already; a branch's database that is beyond repair is made anew with"
            f" `coppice databases reset {database}`."
        ),
    )


def lease_lost(database: str, why: str) -> Problem:
    """The database was no longer ours."""
    return Problem(
        title=f"The migration command was stopped on {database}: the lease was lost.",
        text=(
            f"{why} Two migrations at once on one database are never allowed, so the command was"
            " ended. Re-run this job once the other run has ended."
        ),
    )


def interrupted(database: str) -> Problem:
    """The job was cancelled."""
    return Problem(
        title=f"The migration command was stopped on {database}: this job was cancelled.",
        text="What the command had committed stays. Re-run the job to finish it.",
    )


def not_started(database: str) -> Problem:
    """The job was cancelled before this database's turn."""
    return Problem(
        title=f"{database} was not migrated: this job was cancelled.",
        text="Nothing was changed on it. Re-run the job if that was not intended.",
    )


def report_lost(database: str, result: str) -> Problem:
    """The command ran, but the service could not be told."""
    return Problem(
        title=f"The result on {database} ({result}) could not be reported to the service.",
        text=(
            "The command has run; only its check run and the service's record are missing."
            " Re-run this job: migrations that are applied already are not applied again."
        ),
    )


def overruled(database: str, message: str) -> Problem:
    """The service holds another result than ours, from before."""
    return Problem(
        title=f"The command succeeded on {database}, but the service does not count it.",
        text=(
            f"{message}\n\nUsually the service had not heard of this runner for too long and gave"
            " the migration up. Re-run this job: migrations that are applied already are not"
            " applied again."
        ),
    )


def untouched(database: str) -> Problem:
    """Production was kept out of it."""
    return Problem(
        title=f"{database} was not touched, because the migration failed on preview.",
        text="Correct the migration and push again; production follows when preview succeeds.",
    )


def template_kept(problem: Problem) -> Problem:
    """No newer template was built, for another problem's sake."""
    return Problem(
        title="Branches go on from the earlier one, or begin empty where there is none."
        f" {problem.title}",
        text=(
            "The step does not fail by it. All that the command wrote is in the log, folded under"
            " `Template for new branches`, and on the page of this run. A template begins as a copy"
            " of the earlier one and, where that fails, empty: the command has to work on either,"
            " and so has the seed command. The next run on the default branch tries again. Below"
            " `with:` of this step, `template-timeout-minutes` gives it more time, and"
            " `template: false` builds none."
        ),
    )


def nothing_to_export(database: str) -> Problem:
    """`export-env` has nothing to give."""
    return Problem(
        title=f"No variables were exported: {database} gave this run no credentials.",
        text=(
            "Later steps find no `DATABASE_URL` of this step. A superseded run is older than"
            " what the database already holds; look at this step's `result` before relying on it."
        ),
    )
