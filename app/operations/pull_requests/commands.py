"""Carrying out a command: facts read at the last moment, a ruling, the deed, the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from app.core.assignments import Assignment
from app.core.audit import AuditEvent
from app.core.commands import Ruling, Situation, Verb, Verdict, decide_command
from app.core.conversation import Command
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, CoppiceError
from app.core.identifiers import CommentId
from app.core.people import Change, Lose
from app.core.reasons import NOT_ASSIGNED, Unreached, without_database
from app.core.repositories import PullRequest, Repository
from app.operations import access
from app.operations.administration import databases
from app.operations.pull_requests import actions, wording
from app.operations.pull_requests.overviews import databases_of_branch
from app.operations.runs.announcements import job_url
from app.operations.services import Services
from app.store.store import Store

ACCEPTED = "eyes"
REFUSED = "confused"
_CHANGING = frozenset({Verb.FIX, Verb.RESET, Verb.MIGRATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What a command is about, as it is now."""

    command: Command
    repository: Repository
    """Live: it may have become public since it was stored."""
    pull_request: PullRequest
    assignments: tuple[Assignment, ...]
    databases: tuple[Database, ...]
    """The head branch's own."""


def run_command(services: Services, comment_id: CommentId) -> None:
    """Carry out a command once, if whoever gave it may have it done now.

    Acknowledged with a reaction before anything else; whoever may not is not answered. One whose
    job gave up changes nothing when GitHub is back: it is answered that it was not carried out.
    Raises GitHubUnavailable while the facts cannot be read.
    """
    command = services.store.conversation.command(comment_id)
    if command.is_done:
        return
    repository = _live(services, command)
    if repository is None:
        services.store.conversation.done(comment_id)
        return
    permission = services.github.permission(
        repository, login=command.sender_login, user_id=command.sender_id
    )
    asker = Situation(permission=permission, is_private=repository.is_private)
    if decide_command(command.verb, asker).verdict is Verdict.SILENT:
        services.store.conversation.done(comment_id)
        return
    scene = _scene(services, command, repository)
    if scene is None:
        services.store.conversation.done(comment_id)
        return
    ruling = decide_command(command.verb, _situation(services, scene, permission))
    if ruling.verdict is Verdict.SILENT:
        services.store.conversation.done(comment_id)
    elif ruling.verdict is Verdict.REFUSE:
        _refuse(services, scene, ruling.why)
    elif command.is_given_up and command.verb in _CHANGING:
        # What was wanted then may be a surprise by now.
        _refuse(services, scene, wording.too_late())
    else:
        _run(services, scene, ruling)


def _live(services: Services, command: Command) -> Repository | None:
    stored = services.store.repositories.get(command.repository_id)
    if stored is None or not stored.is_active or stored.installation_id is None:
        return None
    live = services.github.repository(stored.installation_id, stored.full_name)
    return live if live is not None and live.id == stored.id else None


def _scene(services: Services, command: Command, repository: Repository) -> _Scene | None:
    pull_request = services.github.pull_request(repository, command.number)
    if pull_request is None:
        return None
    services.store.repositories.save_pull_request(pull_request)
    assignments = tuple(services.store.apps.assignments(repository_id=repository.id))
    databases: tuple[Database, ...] = ()
    if not pull_request.is_from_fork:
        databases = databases_of_branch(services.store, assignments, pull_request.head_branch)
    return _Scene(
        command=command,
        repository=repository,
        pull_request=pull_request,
        assignments=assignments,
        databases=databases,
    )


def _situation(services: Services, scene: _Scene, permission: str) -> Situation:
    live = [one for one in scene.databases if one.state is not DatabaseState.DELETED]
    return Situation(
        permission=permission,
        is_private=scene.repository.is_private,
        unreached=_unreached(scene),
        is_open=scene.pull_request.is_open,
        is_protected=scene.command.verb is Verb.RESET and _is_protected(services, scene),
        has_database=bool(live),
        is_same_database=all(one.id in scene.command.pinned for one in live),
    )


def _unreached(scene: _Scene) -> Unreached | None:
    """Why no app of the repository has a database for the head."""
    why = _without_database(scene, ignore_patterns=())
    if why is not None or scene.databases:
        # What stands there is looked after, although a later rule would give it no database.
        return why
    for assignment in scene.assignments:
        why = _without_database(scene, ignore_patterns=assignment.policies.ignore_patterns)
        if why is None:
            return None
    return why or NOT_ASSIGNED


def _without_database(scene: _Scene, *, ignore_patterns: Sequence[str]) -> Unreached | None:
    return without_database(
        scene.pull_request.head_branch,
        default_branch=scene.repository.default_branch,
        ignore_patterns=ignore_patterns,
        is_from_fork=scene.pull_request.is_from_fork,
    )


def _is_protected(services: Services, scene: _Scene) -> bool:
    if scene.pull_request.is_from_fork:
        return False
    branch = services.github.branch(scene.repository, scene.pull_request.head_branch)
    return branch is not None and branch.is_protected


def _run(services: Services, scene: _Scene, ruling: Ruling) -> None:
    command, done = scene.command, services.store.conversation.done
    _react(services, scene, ACCEPTED)
    own = actions.acting_as(
        services, login=command.sender_login, user_id=command.sender_id, source="comment"
    )
    match command.verb:
        case Verb.STATUS:
            _show(services.store, scene)
        case Verb.FIX:
            _fix(own, scene, ruling)
        case Verb.RESET:
            _reset(own, scene, ruling)
        case Verb.MIGRATE:
            done(command.comment_id, reply=_migrate(own, scene, ruling))
        case Verb.URL:
            done(command.comment_id, reply=_url(own, scene))
        case Verb.HELP | Verb.UNKNOWN:
            done(command.comment_id, reply=wording.usage())
        case _:
            assert_never(command.verb)


def _fix(services: Services, scene: _Scene, ruling: Ruling) -> None:
    """How it went is said by the comment about the databases, when it is over."""
    head = scene.pull_request
    for database in scene.databases or (None,):
        permitted = access.ruled(ruling, database, Change)
        actions.fix(services, scene.repository, head.head_branch, permitted, head_sha=head.head_sha)
    _show(services.store, scene)


def _reset(services: Services, scene: _Scene, ruling: Ruling) -> None:
    """One reset for however many ask for it before it is over: they name the same generation."""
    problems = []
    for database in scene.databases:
        if database.generation != scene.command.pinned.get(database.id):
            continue
        try:
            databases.reset(services, access.ruled(ruling, database, Lose))
        except Conflict as conflict:
            problems.append(f"{conflict} {conflict.advice}")
    if problems:
        _refuse(services, scene, " ".join(problems))
    else:
        _show(services.store, scene)


def _migrate(services: Services, scene: _Scene, ruling: Ruling) -> str | None:
    head_sha = scene.pull_request.head_sha
    # The commit may be another branch's head too, whose runs are not the pull request's.
    runs = [
        run
        for run in services.store.runs.of_commit(scene.repository.id, head_sha)
        if run.migrates and Environment.PRODUCTION not in run.environments
    ]
    if not runs:
        return wording.nothing_to_rerun(_actions_url(services, scene.repository))
    last = access.ruled(ruling, runs[-1], Change)
    reason = actions.rerun(services, scene.repository, last)
    if reason is None:
        return None
    return wording.not_rerun(reason, job_url(services, runs[-1]))


def _url(services: Services, scene: _Scene) -> str:
    has_several = len(services.store.apps.assignments(repository_id=scene.repository.id)) > 1
    way = wording.way_to_connect(
        scene.repository.full_name,
        scene.pull_request.head_branch,
        app_ids=[one.app_id for one in scene.databases] if has_several else [None],
        public_url=services.public_url,
    )
    if not scene.repository.is_private:
        return wording.no_addresses(way)
    for database in scene.databases:
        services.record(AuditEvent.ADDRESS_SHOWN, database.name)
    places = [(one, services.instance_of(one)) for one in scene.databases]
    return wording.addresses(places, way=way)


def _refuse(services: Services, scene: _Scene, why: str) -> None:
    _react(services, scene, REFUSED)
    is_usage = scene.command.verb is Verb.UNKNOWN
    reply = wording.usage(why) if is_usage else why
    services.store.conversation.done(scene.command.comment_id, reply=reply)


def _react(services: Services, scene: _Scene, reaction: str) -> None:
    """The deed does not wait for its acknowledgement, which is only a courtesy."""
    try:
        services.github.react(scene.repository, scene.command.comment_id, reaction)
    except CoppiceError:
        return


def _show(store: Store, scene: _Scene) -> None:
    """The answer is the comment about the databases, brought up to date."""
    command = scene.command
    store.conversation.want_summary(command.repository_id, command.number, is_asked=True)
    store.conversation.done(command.comment_id)


def _actions_url(services: Services, repository: Repository) -> str:
    return f"{services.github_url}/{repository.full_name}/actions"
