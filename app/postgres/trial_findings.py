"""What the steps of a try say about a server: pure, each with what mends it."""

from enum import StrEnum

import psycopg
from psycopg import errors

from app.core.errors import CoppiceError, ProvisioningFailed, ServerBusy
from app.core.findings import Finding


class Step(StrEnum):
    """What a database needs in its life, in the order in which it is tried."""

    ROLES = "roles"
    PASSWORD = "password"  # noqa: S105 - no password
    DATABASE = "database"
    RIGHTS = "rights"
    SCHEMA = "schema"
    LOGIN = "login"
    JOB = "job"
    JOB_END = "job_end"
    CLOSING = "closing"
    RENAMING = "renaming"
    DROPPING = "dropping"


NEEDS: dict[Step, set[Step]] = {
    Step.ROLES: set(),
    Step.PASSWORD: {Step.ROLES},
    Step.DATABASE: {Step.ROLES},
    Step.RIGHTS: {Step.DATABASE},
    Step.SCHEMA: {Step.RIGHTS},
    Step.LOGIN: {Step.PASSWORD, Step.SCHEMA},
    Step.JOB: {Step.LOGIN},
    Step.JOB_END: {Step.JOB},
    Step.CLOSING: {Step.RIGHTS},
    Step.RENAMING: {Step.CLOSING},
}
"""What must have gone before a step can be tried. Dropping is always tried."""

WORDS = {
    Step.ROLES: "make roles and take on their rights",
    Step.PASSWORD: "give a login a password",
    Step.DATABASE: "make a database for another role",
    Step.RIGHTS: "take its rights from everybody, give them to its login, open it",
    Step.SCHEMA: "connect to it, give its schema away, set its mark",
    Step.LOGIN: "let the login in, and connect as it",
    Step.JOB: "make a login for a job, and connect as it",
    Step.JOB_END: "end the job's sessions, take over what it owns, drop its login",
    Step.CLOSING: "close the database, and end its sessions",
    Step.RENAMING: "rename it",
    Step.DROPPING: "drop the database and its roles",
}

_ADVICE = {
    Step.ROLES: "The role needs CREATEROLE, and to be made a member of the roles that it makes, as"
    " PostgreSQL does from version 16 on.",
    Step.PASSWORD: "Look for what checks passwords on the server: a module such as credcheck or"
    " passwordcheck, or the service that runs it. Passwords of Coppice are 40 letters and digits.",
    Step.DATABASE: "The role needs CREATEDB, and SET on the roles that it makes.",
    Step.RIGHTS: "The role must be able to grant and revoke for the roles that it makes.",
    Step.SCHEMA: "The role must be let into the databases that it makes: look at pg_hba.conf, or at"
    " the service's list of who may connect to what.",
    Step.LOGIN: "Logins that Coppice makes must be let into their databases by password: look at"
    " pg_hba.conf, or at the service's list of who may connect to what.",
    Step.JOB: "Logins that Coppice makes must be let into their databases by password, also for a"
    " limited time (VALID UNTIL).",
    Step.JOB_END: "The role must be able to end the sessions of the roles that it made, and to drop"
    " these.",
    Step.CLOSING: "The role must be able to alter the databases that it makes, and to end their"
    " sessions.",
    Step.RENAMING: "The role must be able to rename the databases that it makes.",
    Step.DROPPING: "The role must be able to drop what it makes. What is left is called"
    " coppice-try-..., and is dropped by itself once that is possible.",
}


class VerifiersRefused(CoppiceError):
    """The server takes passwords, and none that were hashed beforehand."""


def is_refusal(error: CoppiceError) -> bool:
    """Whether the server will not do it, however often it is asked.

    In a try there is no rival: what PostgreSQL calls an internal error is a refusal there too, and
    is how Neon tells of one by its control plane.
    """
    if isinstance(error, ServerBusy):
        return isinstance(error.__cause__, errors.InternalError_)
    return isinstance(error, ProvisioningFailed | VerifiersRefused)


def failed(step: Step, error: CoppiceError) -> Finding:
    """What to know of a step that did not go: it prevents every database."""
    if isinstance(error, VerifiersRefused):
        return Finding(
            code="verifiers",
            message=f"The server refuses passwords that were hashed beforehand. {_reason(error)}",
            advice="Have it take them (credcheck.encrypted_password_allowed = on, for instance)."
            " Where nobody can, as on Neon: link it with plain passwords (--plain-passwords), over"
            " a connection whose certificate is checked. The server may write these into its logs.",
            is_fatal=True,
        )
    return Finding(
        code=f"try_{step.value}",
        message=f"Tried, and failed: to {WORDS[step]}. {_reason(error)}",
        advice=error.advice if error.code == "read_only" else _ADVICE[step],
        is_fatal=True,
    )


def needless_plain_passwords() -> Finding:
    """The server takes verifiers, whatever it was linked with."""
    return Finding(
        code="plain_not_needed",
        message="The server takes passwords that were hashed beforehand, so it need not be told any"
        " in plain.",
        advice="Link it without plain passwords.",
        is_fatal=False,
    )


def _reason(error: CoppiceError) -> str:
    """In PostgreSQL's words, with the code that says the same in every language."""
    cause = error.__cause__
    state = cause.sqlstate if isinstance(cause, psycopg.Error) else None
    return f"{error} (SQLSTATE {state})" if state else str(error)
