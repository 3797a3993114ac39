"""Buttons on our check runs: whoever may not press them is ignored silently."""

from dataclasses import dataclass

from app.core.checks import Check
from app.core.commands import Situation, Verb, Verdict, decide_command
from app.core.environments import Environment
from app.core.errors import NotFound
from app.core.identifiers import CheckId, RepositoryId
from app.core.repositories import Repository
from app.operations.pull_requests import steering
from app.operations.services import Services

FIX = "fix"
RERUN = "rerun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who pressed, and where, as the webhook tells it."""

    repository_id: RepositoryId
    sender_id: int
    sender_login: str


def press_button(services: Services, check_id: CheckId, *, identifier: str, sender: Sender) -> None:
    """Do what the button says, if the sender may do it now: what the command of that name does.

    A button checks nothing itself: the permission is read from GitHub here, at the last moment.
    Raises GitHubUnavailable.
    """
    repository = services.repositories.get(sender.repository_id)
    check = _check_of(services, check_id, sender)
    if check is None or repository is None or not repository.is_active:
        return
    own = steering.acting_as(
        services, login=sender.sender_login, user_id=sender.sender_id, source="check run"
    )
    run_id = services.checks.run_of(check_id)
    database_id = services.checks.database_of(check_id)
    if identifier == RERUN and run_id is not None:
        run = services.runs.get(run_id)
        if _may(services, repository, sender, Verb.MIGRATE, run.environments):
            steering.rerun(own, repository, run)
    elif identifier in {FIX, RERUN} and database_id is not None:
        database = services.databases.get(database_id)
        if _may(services, repository, sender, Verb.FIX, (database.environment,)):
            branch = database.branch or repository.default_branch
            steering.fix(own, repository, branch, database, head_sha=check.head_sha)


def _check_of(services: Services, check_id: CheckId, sender: Sender) -> Check | None:
    try:
        check = services.checks.get(check_id)
    except NotFound:
        return None
    return check if check.repository_id == sender.repository_id else None


def _may(
    services: Services,
    repository: Repository,
    sender: Sender,
    verb: Verb,
    environments: tuple[Environment, ...],
) -> bool:
    """As for a command; what reaches production needs who maintains the repository."""
    permission = services.github.permission(
        repository, login=sender.sender_login, user_id=sender.sender_id
    )
    situation = Situation(
        permission=permission, is_private=repository.is_private, environments=environments
    )
    return decide_command(verb, situation).verdict is Verdict.RUN
