"""Who steers the service, and what each may do: GitHub's permission on the repository decides."""

from dataclasses import dataclass, replace
from enum import StrEnum

from app.core.environments import Environment
from app.core.identifiers import AppId

# GitHub's roles, weakest first.
# https://docs.github.com/en/organizations/managing-user-access-to-your-organizations-repositories/managing-repository-roles/repository-roles-for-an-organization
ROLES = ("none", "read", "triage", "write", "maintain", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person, or a token that acts for one with less."""

    name: str
    """For the audit trail: `operator`, `github:octocat`, `token:ci of github:octocat`."""
    login: str = ""
    user_id: int = 0
    """GitHub's id of the account; 0 for an operator at the machine itself."""
    is_operator: bool = False
    only_app: AppId | None = None
    is_read_only: bool = False
    is_automation: bool = False
    """A token that a program holds: it makes no other tokens, so that a leak ends with it."""


OPERATOR = Actor(name="operator", is_operator=True)
"""Whoever has the machine, or the admin token."""


class Act(StrEnum):
    """What somebody wants with an app or its databases."""

    SEE = "see"
    SEE_LOG = "see_log"
    CONNECT = "connect"
    """Read a long-lived login's password."""
    CHANGE = "change"
    """Create, fix, seed or restore a database; start its migration again. Its data stays."""
    LOSE = "lose"
    """Reset, delete or drop a database: its data goes, or is kept from those who use it."""
    MANAGE = "manage"
    """Assign an app, edit its assignment, remove it."""


_READING = frozenset({Act.SEE, Act.SEE_LOG})
"""What a token for reading may do. Not to connect: with a password one can write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An act, and on what; no environment: on the app as a whole."""

    act: Act
    app_id: AppId | None = None
    """None: an app that does not exist yet."""
    environment: Environment | None = None
    is_protected: bool = False
    """The branch is protected at GitHub, so that its data counts for more."""


def refusal(actor: Actor, wanted: Wanted, *, permission: str) -> str | None:
    """Why the actor may not, for people; None: they may.

    `permission` is GitHub's for the actor's account on the repository, one of `ROLES`.
    """
    if actor.only_app is not None and actor.only_app != wanted.app_id:
        return "This token is for another app."
    if actor.is_read_only and wanted.act not in _READING:
        return "This token may only read."
    if actor.is_operator:
        return None
    needed = _needed(wanted)
    if permission in ROLES and ROLES.index(permission) >= ROLES.index(needed):
        return None
    return f"This needs the permission {needed} on the repository; you have {permission}."


def asks_protection(wanted: Wanted) -> bool:
    """Whether it matters for this that GitHub protects a branch: else nobody needs to ask."""
    return _needed(replace(wanted, is_protected=True)) != _needed(wanted)


def _needed(wanted: Wanted) -> str:
    is_production = wanted.environment is Environment.PRODUCTION
    match wanted.act:
        case Act.SEE:
            return "read"
        case Act.SEE_LOG:
            return "write"
        case Act.CONNECT:
            return "admin" if is_production else "write"
        case Act.CHANGE:
            return "maintain" if is_production else "write"
        case Act.LOSE:
            return "maintain" if is_production or wanted.is_protected else "write"
        case Act.MANAGE:
            return "maintain"
