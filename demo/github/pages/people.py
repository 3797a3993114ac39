"""Who a form is from: nobody signs in here, everybody chooses whom to be."""

from dataclasses import dataclass

from flask import request

from demo.github.access import ROLES, role_of
from demo.github.context import Context
from demo.github.control.actions import ActionsControl
from demo.github.control.checks import CheckControl
from demo.github.control.comments import CommentControl
from demo.github.control.repositories import RepositoryControl
from demo.github.model import Account, Repository


class NotAllowed(Exception):
    """GitHub shows no such button to whoever was chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody to choose."""

    login: str
    role: str


class Everything(ActionsControl, CheckControl, CommentControl, RepositoryControl):
    """All that people do below a repository."""

    def __init__(self, context: Context) -> None:
        self.context = context


def of(context: Context, repository: Repository, *, at_least: str = "read") -> list[Person]:
    """Those with this permission on the repository, the mightiest first."""
    found = [
        Person(login=account.login, role=role_of(repository, account))
        for account in context.state.accounts.values()
        if account.type == "User"
    ]
    return sorted(
        (person for person in found if _rank(person.role) >= _rank(at_least)),
        key=lambda person: (-_rank(person.role), person.login),
    )


def chosen(context: Context, repository: Repository, *, at_least: str = "read") -> Account:
    """Whom the form's `as` names. Raises NotAllowed without the permission."""
    login = request.form.get("as", "")
    account = context.state.account(login)
    if account is None or account.type != "User":
        raise NotAllowed(f"There is nobody called {login!r} here.")
    role = role_of(repository, account)
    if _rank(role) < _rank(at_least):
        raise NotAllowed(
            f"{account.login} has {role} on {repository.full_name}; this takes {at_least}."
        )
    return account


def _rank(role: str) -> int:
    return ROLES.index(role)
