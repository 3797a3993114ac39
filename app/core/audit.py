"""What is written down in the audit trail: names for programs, which stay, and a person's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditEvent(StrEnum):
    """What somebody did. The names are in the API: they are added to, and never changed."""

    LOG_IN = "log in"
    LOG_OUT = "log out"
    TERMINAL = "login"
    APPS_ASSIGN = "apps assign"
    APPS_EDIT = "apps edit"
    APPS_REMOVE = "apps remove"
    CREDENTIALS_ISSUE = "credentials issue"
    DATABASES_CREATE = "databases create"
    DATABASES_FIX = "databases fix"
    DATABASES_RESET = "databases reset"
    DATABASES_SEED = "databases seed"
    DATABASES_RESTORE = "databases restore"
    DATABASES_DELETE = "databases delete"
    DATABASES_DROP = "databases drop"
    DATABASES_EDIT = "databases edit"
    DATABASES_MIGRATE = "databases migrate"
    DATABASES_URL = "databases url"
    DATABASES_CREDENTIALS = "databases credentials"
    ENV = "env"
    PSQL = "psql"
    MIGRATE = "migrate"
    ADDRESS_SHOWN = "address shown"
    WORKFLOW_RERUN = "workflow rerun"
    INSTANCES_PROVISION = "instances provision"
    INSTANCES_LINK = "instances link"
    INSTANCES_EDIT = "instances edit"
    INSTANCES_DELETE = "instances delete"
    INSTANCES_LIMIT = "instances limit"
    INSTANCES_ACKNOWLEDGE = "instances acknowledge"
    INSTANCES_WITHDRAW = "instances withdraw"
    INSTANCES_OFFER = "instances offer"
    INSTANCES_CLAIM = "instances claim"
    TOKENS_CREATE = "tokens create"
    TOKENS_REVOKE = "tokens revoke"
    SETUP_CONNECT = "setup connect"
    SETUP_FORGET = "setup forget"


WORDS: Mapping[str, str] = {
    AuditEvent.LOG_IN: "Logged in",
    AuditEvent.LOG_OUT: "Logged out",
    AuditEvent.TERMINAL: "Answered a terminal that wanted to log in",
    AuditEvent.APPS_ASSIGN: "Assigned the app",
    AuditEvent.APPS_EDIT: "Changed the rules of the app",
    AuditEvent.APPS_REMOVE: "Ended the assignment of the app",
    AuditEvent.CREDENTIALS_ISSUE: "Was given a login for a job",
    AuditEvent.DATABASES_CREATE: "Had the database made",
    AuditEvent.DATABASES_FIX: "Fixed the database",
    AuditEvent.DATABASES_RESET: "Reset the database",
    AuditEvent.DATABASES_SEED: "Had the database seeded again",
    AuditEvent.DATABASES_RESTORE: "Restored the database",
    AuditEvent.DATABASES_DELETE: "Closed the database",
    AuditEvent.DATABASES_DROP: "Dropped the database with its data",
    AuditEvent.DATABASES_EDIT: "Changed what belongs to the database",
    AuditEvent.DATABASES_MIGRATE: "Migrated the database from a checkout",
    AuditEvent.DATABASES_URL: "Looked at the connection string",
    AuditEvent.DATABASES_CREDENTIALS: "Read the connection string over the API",
    AuditEvent.ENV: "Read the connection string with coppice env",
    AuditEvent.PSQL: "Connected with coppice psql",
    AuditEvent.MIGRATE: "Read the connection string with coppice migrate",
    AuditEvent.ADDRESS_SHOWN: "Was shown the address in a comment",
    AuditEvent.WORKFLOW_RERUN: "Started the job again",
    AuditEvent.INSTANCES_PROVISION: "Provisioned the server",
    AuditEvent.INSTANCES_LINK: "Linked the server",
    AuditEvent.INSTANCES_EDIT: "Changed the server",
    AuditEvent.INSTANCES_DELETE: "Deleted the server",
    AuditEvent.INSTANCES_LIMIT: "Set the limits of the server",
    AuditEvent.INSTANCES_ACKNOWLEDGE: "Accepted a finding about the server",
    AuditEvent.INSTANCES_WITHDRAW: "Took back that a finding about the server is accepted",
    AuditEvent.INSTANCES_OFFER: "Made a link to hand the server over",
    AuditEvent.INSTANCES_CLAIM: "Took the server over",
    AuditEvent.TOKENS_CREATE: "Made a token",
    AuditEvent.TOKENS_REVOKE: "Revoked a token",
    AuditEvent.SETUP_CONNECT: "Connected GitHub",
    AuditEvent.SETUP_FORGET: "Forgot the GitHub App",
}


def words_of(action: str) -> str:
    """For people; what an older version wrote down stays as it was."""
    return WORDS.get(action, action)


def called(text: str) -> list[str]:
    """The actions whose words hold the text, compared without case."""
    return [action for action, words in WORDS.items() if text.lower() in words.lower()]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the trail."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    source: str
    """An address, `command line`, or where at GitHub: `comment`, `check run`."""
