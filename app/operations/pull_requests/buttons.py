"""Buttons on our check runs: whoever may not press them is ignored silently."""

from app.core.checks import Check
from app.core.commands import Ruling, Situation, Verb, Verdict, decide_command
from app.core.environments import Environment
from app.core.errors import NotFound
from app.core.intents import PressButton
from app.core.people import Change
from app.core.repositories import Repository
from app.operations import access
from app.operations.pull_requests import actions
from app.operations.services import Services
from app.store.store import Store

FIX = "fix"
RERUN = "rerun"


def press_button(services: Services, pressed: PressButton) -> None:
    """Do what the button says, if the sender may do it now: what the command of that name does.

    A button checks nothing itself: the permission is read from GitHub here, at the last moment.
    Raises GitHubUnavailable.
    """
    repository = services.store.repositories.get(pressed.repository_id)
    check = _check_of(services.store, pressed)
    if check is None or repository is None or not repository.is_active:
        return
    own = actions.acting_as(
        services, login=pressed.sender_login, user_id=pressed.sender_id, source="check run"
    )
    if pressed.identifier == RERUN and check.run_id is not None:
        run = services.store.runs.get(check.run_id)
        ruling = _ruling(services, repository, pressed, Verb.MIGRATE, run.answered_for)
        if ruling.verdict is Verdict.RUN:
            actions.rerun(own, repository, access.ruled(ruling, run, Change))
    elif pressed.identifier in {FIX, RERUN} and check.database_id is not None:
        database = services.store.databases.get(check.database_id)
        ruling = _ruling(services, repository, pressed, Verb.FIX, (database.environment,))
        if ruling.verdict is Verdict.RUN:
            branch = database.branch or repository.default_branch
            may_fix = access.ruled(ruling, database, Change)
            actions.fix(own, repository, branch, may_fix, head_sha=check.head_sha)


def _check_of(store: Store, pressed: PressButton) -> Check | None:
    try:
        check = store.checks.get(pressed.check_id)
    except NotFound:
        return None
    return check if check.repository_id == pressed.repository_id else None


def _ruling(
    services: Services,
    repository: Repository,
    pressed: PressButton,
    verb: Verb,
    environments: tuple[Environment, ...],
) -> Ruling:
    """As for a command; what reaches production needs who maintains the repository."""
    permission = services.github.permission(
        repository, login=pressed.sender_login, user_id=pressed.sender_id
    )
    situation = Situation(
        permission=permission, is_private=repository.is_private, environments=environments
    )
    return decide_command(verb, situation)
