"""Who steers the service, and what each may do: GitHub's permission on the repository decides."""

from dataclasses import dataclass, replace

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

NOBODY = Actor(name="nobody")
"""Somebody of whom nothing is known (yet)."""


class See:
    """Look at an app, its databases and runs, or at the instance of such an app.

    An act is a class, so that a type can say what somebody was found to be permitted. Whoever may
    do what a subclass says may do what its parent says, on the same thing.
    """


class SeeLog(See):
    """Read what the commands of a run wrote."""


class SeeServer(See):
    """Look at the server of an instance, as who runs that."""


class Oversee(SeeServer):
    """Look at the service as an operator: who did what, how it is set up."""


class Change(See):
    """Create, fix, seed or restore a database; start its migration again. Its data stays."""


class Connect(Change):
    """Read a long-lived login's password."""


class Lose(Change):
    """Reset, delete or drop a database: its data goes, or is kept from those who use it."""


class Manage(Change):
    """Assign an app, edit or remove its assignment; change or delete an instance."""


class Operate(Manage):
    """Do what operators alone do: to the service, or to an instance."""


Act = type[See]

READING = frozenset({See, SeeLog, SeeServer, Oversee})
"""What a token for reading may do. Not to connect: with a password one can write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An act on an app or its databases; no environment: on the app as a whole."""

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
    if actor.is_read_only and wanted.act not in READING:
        return "This token may only read."
    if wanted.environment is Environment.TEMPLATE and wanted.act is Connect:
        return "A template is made by a run on the default branch, and nobody enters it."
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
    is_production = wanted.environment is not None and wanted.environment.counts_as_production
    at_least: dict[Act, str] = {
        See: "read",
        SeeLog: "write",
        Connect: "admin" if is_production else "write",
        Change: "maintain" if is_production else "write",
        Lose: "maintain" if is_production or wanted.is_protected else "write",
        Manage: "maintain",
    }
    return at_least[wanted.act]
