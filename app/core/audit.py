"""What is written down in the audit trail: names for programs, which stay, and a person's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
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
    Action.LOG_IN: "Logged in",
    Action.LOG_OUT: "Logged out",
    Action.TERMINAL: "Answered a terminal that wanted to log in",
    Action.APPS_ASSIGN: "Assigned the app",
    Action.APPS_EDIT: "Changed the rules of the app",
    Action.APPS_REMOVE: "Ended the assignment of the app",
    Action.CREDENTIALS_ISSUE: "Was given a login for a job",
    Action.DATABASES_CREATE: "Had the database made",
    Action.DATABASES_FIX: "Fixed the database",
    Action.DATABASES_RESET: "Emptied the database",
    Action.DATABASES_SEED: "Had the database seeded again",
    Action.DATABASES_RESTORE: "Restored the database",
    Action.DATABASES_DELETE: "Closed the database",
    Action.DATABASES_DROP: "Dropped the database with its data",
    Action.DATABASES_EDIT: "Changed what belongs to the database",
    Action.DATABASES_MIGRATE: "Migrated the database from a checkout",
    Action.DATABASES_URL: "Looked at the connection string",
    Action.DATABASES_CREDENTIALS: "Read the connection string over the API",
    Action.ENV: "Read the connection string with coppice env",
    Action.PSQL: "Connected with coppice psql",
    Action.MIGRATE: "Read the connection string with coppice migrate",
    Action.ADDRESS_SHOWN: "Was shown the address in a comment",
    Action.WORKFLOW_RERUN: "Started the job again",
    Action.INSTANCES_PROVISION: "Provisioned the server",
    Action.INSTANCES_LINK: "Linked the server",
    Action.INSTANCES_EDIT: "Changed the server",
    Action.INSTANCES_DELETE: "Deleted the server",
    Action.INSTANCES_LIMIT: "Set the limits of the server",
    Action.INSTANCES_ACKNOWLEDGE: "Accepted a finding about the server",
    Action.INSTANCES_WITHDRAW: "Took back that a finding about the server is accepted",
    Action.INSTANCES_OFFER: "Made a link to hand the server over",
    Action.INSTANCES_CLAIM: "Took the server over",
    Action.TOKENS_CREATE: "Made a token",
    Action.TOKENS_REVOKE: "Revoked a token",
    Action.SETUP_CONNECT: "Connected GitHub",
    Action.SETUP_FORGET: "Forgot the GitHub App",
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
