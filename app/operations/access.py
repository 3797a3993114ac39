"""Looking things up for somebody: what is found comes with the permission to act on it.

What acts for a person takes a `Permitted`, so that nobody can forget to ask whether they may: mypy
refuses a database that was read from the store, or looked up for less. Whoever may not see a thing
is answered as if it did not exist. Jobs of the worker and the reaper act for the service itself:
what they call takes rows.

Looking believes what GitHub said within the last half minute; acting asks it again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from app.core.assignments import App
from app.core.commands import Ruling, Verdict
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.identifiers import AppId, BranchName, DatabaseId, RunId
from app.core.instances import Instance
from app.core.ownership import owns
from app.core.people import (
    READING,
    ROLES,
    Act,
    Manage,
    Operate,
    Oversee,
    See,
    Wanted,
    asks_protection,
    refusal,
)
from app.core.repositories import Repository
from app.core.runs import Run
from app.operations.apps import Assigned, KnownApp, Location, all_assigned, location_of
from app.operations.services import Services

Thing = TypeVar("Thing", covariant=True)
RuledOn = TypeVar("RuledOn")
Doing = TypeVar("Doing", bound=See, covariant=True)

_FULL_NAME = re.compile(r"([A-Za-z0-9_.-]{1,100})/([A-Za-z0-9_.-]{1,100})")


@dataclass(frozen=True, slots=True)
class Permitted(Generic[Thing, Doing]):
    """Something that was looked up for the actor, who may do this with it. Made only here."""

    subject: Thing
    act: type[Doing]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToAssign:
    """A repository, as GitHub knows it now, of which an app shall be assigned."""

    repository: Repository
    app_id: AppId | None
    """None: the repository's app, or a new one."""


def service(services: Services, act: type[Doing]) -> Permitted[Services, Doing]:
    """The service itself, for operators. Raises Forbidden for everybody else."""
    if not services.actor.is_operator or services.actor.only_app is not None:
        raise Forbidden(
            "Only operators may do this.",
            advice="COPPICE_OPERATORS of the service names them.",
        )
    _refuse_to_change(services, act)
    return Permitted(services, act)


def known_app(services: Services, app_id: AppId, act: type[Doing]) -> Permitted[KnownApp, Doing]:
    """The app, assigned or not, if the actor may do this with it. Raises NotFound, Forbidden."""
    app = services.store.apps.get(app_id)
    repository = services.store.repositories.get(app.repository_id) if app else None
    if app is None or repository is None:
        raise _no_app(app_id)
    _require(services, repository, Wanted(act=act, app_id=app.id))
    assignment = services.store.apps.assignment(app.id)
    if assignment is None:
        return Permitted(KnownApp(app=app, repository=repository), act)
    instance = services.store.instances.get(assignment.instance_id)
    found = Assigned(app=app, repository=repository, assignment=assignment, instance=instance)
    return Permitted(found, act)


def app(services: Services, app_id: AppId, act: type[Doing]) -> Permitted[Assigned, Doing]:
    """The assigned app, if the actor may do this with it. Raises NotFound, Forbidden."""
    assignment = services.store.apps.assignment(app_id)
    if assignment is None:
        raise _no_app(app_id)
    [assigned] = all_assigned(services.store, [assignment])
    _require(services, assigned.repository, Wanted(act=act, app_id=app_id))
    return Permitted(assigned, act)


def location(
    services: Services,
    assigned: Assigned,
    act: type[Doing],
    *,
    branch: str | None,
    environment: str | None,
) -> Permitted[Location, Doing]:
    """Where a database of the app is or will be, if the actor may do this there.

    Raises Invalid, Forbidden.
    """
    where = location_of(assigned, branch=branch, environment=environment)
    wanted = Wanted(act=act, app_id=assigned.app.id, environment=where.environment)
    _require_at(services, assigned.repository, wanted, where.branch)
    return Permitted(where, act)


def database(
    services: Services, database_id: DatabaseId, act: type[Doing]
) -> Permitted[Database, Doing]:
    """The database, if the actor may do this with it; its app need not be assigned any more.

    Raises NotFound, Forbidden.
    """
    missing = NotFound(
        f"There is no database {database_id}.",
        advice="The list of databases shows those that you may see (`coppice databases list`).",
    )
    try:
        found = services.store.databases.get(database_id)
        app = services.store.apps.get(found.app_id)
        repository = services.store.repositories.get(app.repository_id) if app else None
        if repository is None or found.state is DatabaseState.GONE:
            raise missing
        wanted = Wanted(act=act, app_id=found.app_id, environment=found.environment)
        _require_at(services, repository, wanted, found.branch)
    except NotFound:
        raise missing from None
    return Permitted(found, act)


def run(
    services: Services, of_app: KnownApp, run_id: RunId, act: type[Doing]
) -> Permitted[Run, Doing]:
    """The run, if the actor may do this with every database that it reaches.

    Raises NotFound, Forbidden.
    """
    found = services.store.history.run(of_app.app.id, run_id).run
    for environment in found.answered_for or (None,):
        branch = found.branch if environment is Environment.BRANCH else None
        wanted = Wanted(act=act, app_id=found.app_id, environment=environment)
        _require_at(services, of_app.repository, wanted, branch)
    return Permitted(found, act)


def instance(services: Services, name: str, act: type[Doing]) -> Permitted[Instance, Doing]:
    """The instance, if the actor may do this with it. Raises NotFound, Forbidden.

    Whoever has an app there sees it; what is more than that is for those who run it: operators,
    and the account that claimed it.
    """
    if issubclass(act, Oversee | Operate):
        service(services, act)
        return Permitted(services.store.instances.named(name), act)
    found = next((one for one in instances(services) if one.name == name), None)
    if found is None:
        raise NotFound(
            f"There is no instance named {name}.",
            advice="The list of instances shows those that you may see (`coppice instances list`).",
        )
    if act is not See:
        _require_running(services, found, act)
    return Permitted(found, act)


def to_assign(
    services: Services, full_name: str, app_id: AppId | None
) -> Permitted[ToAssign, Manage]:
    """The repository as GitHub knows it, if the actor may assign it. Raises NotFound, Forbidden.

    Nobody but an operator learns whether a repository that they cannot see is there.
    """
    wanted = Wanted(act=Manage, app_id=app_id)
    missing = NotFound(
        f"There is no repository {full_name} that you can see and that has the GitHub App.",
        advice="Check the name, and install the App for it.",
    )
    known = services.store.repositories.named(full_name.replace("\0", ""))
    if known is not None and not known.is_active:
        known = None
    try:
        if known is not None:
            # First: who may not is told without asking GitHub where it is now.
            _require(services, known, wanted)
        repository = _live(services, full_name, otherwise=missing)
        if known is None or known.id != repository.id:
            _require(services, repository, wanted)
    except NotFound:
        raise missing from None
    return Permitted(ToAssign(repository=repository, app_id=app_id), Manage)


def shadow(of: Permitted[Database, Doing], its: Database) -> Permitted[Database, Doing]:
    """The shadow of a database for local work: who may do something with one may with both."""
    if its.environment is not Environment.SHADOW or its.app_id != of.subject.app_id:
        raise Forbidden(f"{its.name} does not belong to {of.subject.name}.")
    return Permitted(its, of.act)


def ruled(ruling: Ruling, subject: RuledOn, act: type[Doing]) -> Permitted[RuledOn, Doing]:
    """What a command or a button is about, as `decide_command` ruled of whoever gave it.

    Raises Forbidden where it ruled otherwise, or for less.
    """
    if ruling.verdict is not Verdict.RUN or not issubclass(ruling.act, act):
        raise Forbidden(ruling.why or "This was not permitted.")
    return Permitted(subject, act)


def apps(services: Services) -> list[Assigned]:
    """The assigned apps that the actor may see, the oldest first."""
    found = all_assigned(services.store, services.store.apps.assignments())
    return [one for one in found if _is_seen(services, one.app, one.repository)]


def databases(
    services: Services, among: Sequence[Database], *, full_name: str | None = None
) -> list[Database]:
    """Those whose app the actor may see, assigned or not; with a name only that repository's."""
    apps = services.store.apps.known({one.app_id for one in among})
    repositories = services.store.repositories.known({app.repository_id for app in apps.values()})
    seen = {
        app.id
        for app in apps.values()
        if (repository := repositories.get(app.repository_id)) is not None
        and (full_name is None or full_name.lower() == repository.full_name.lower())
        and _is_seen(services, app, repository)
    }
    return [one for one in among if one.app_id in seen]


def instances(services: Services) -> list[Instance]:
    """Those that the actor may see: of their apps, and their own; operators see all."""
    own = instances_run(services)
    if services.actor.is_operator and services.actor.only_app is None:
        return own
    ids = {one.id for one in own} | {one.instance.id for one in apps(services)}
    return [instance for instance in services.store.instances.all() if instance.id in ids]


def instances_run(services: Services) -> list[Instance]:
    """Those that the actor runs: operators all, everybody else those that they claimed."""
    actor = services.actor
    if actor.only_app is not None:
        return []
    if actor.is_operator:
        return list(services.store.instances.all())
    claims = services.store.handovers.of_owner(actor.user_id) if actor.user_id else ()
    return [
        services.store.instances.get(claim.instance_id) for claim in claims if owns(actor, claim)
    ]


def permission(services: Services, repository: Repository, *, is_fresh: bool = False) -> str:
    """The actor's on the repository, as of a moment ago unless it is to be fresh.

    Raises GitHubUnavailable.
    """
    github, actor = services.github_of_app, services.actor
    return services.permissions.of(github, repository, actor, is_fresh=is_fresh)


def _no_app(app_id: AppId | None) -> NotFound:
    """It is not there, or the actor may not know that it is."""
    return NotFound(
        f"There is no app {app_id}.",
        advice="The list of apps shows those that you may see (`coppice apps list`).",
    )


def _live(services: Services, full_name: str, *, otherwise: NotFound) -> Repository:
    """The repository as GitHub knows it now; why it cannot be seen, operators are told."""
    match = _FULL_NAME.fullmatch(full_name)
    if match is None:
        raise Invalid(f"{full_name!r} is not a repository.", advice="Write it as OWNER/REPO.")
    try:
        installation_id = services.github.installation_of(match[1], match[2])
        found = services.github.repository(installation_id, full_name) if installation_id else None
    except Forbidden:
        if services.actor.is_operator:
            raise
        raise otherwise from None
    if found is not None:
        return found
    if not services.actor.is_operator:
        raise otherwise
    app = services.github_app.current()
    page = app.url if app and app.url else f"{services.github_url}/settings/apps"
    raise Forbidden(
        f"The GitHub App is not installed for {full_name}, or there is no such repository.",
        advice=f"Install the App for it: on the App's page at {page}, Install (App), and choose"
        " the repository.",
        code="not_installed",
    )


def _is_seen(services: Services, app: App, repository: Repository) -> bool:
    try:
        _require(services, repository, Wanted(act=See, app_id=app.id))
    except NotFound:
        return False
    return True


def _refuse_to_change(services: Services, act: Act) -> None:
    if services.actor.is_read_only and act not in READING:
        raise Forbidden("This token may only read.", advice="Make a token for reading and writing.")


def _require_running(services: Services, instance: Instance, act: Act) -> None:
    """Raise Forbidden for everybody but operators and the account that claimed the instance."""
    actor = services.actor
    is_owner = owns(actor, services.store.handovers.of_instance(instance.id))
    if not (is_owner or actor.is_operator) or actor.only_app is not None:
        raise Forbidden(
            f"{instance.name} is for those who run it: operators, and the account that owns it.",
            advice="COPPICE_OPERATORS of the service names operators; they can hand an instance"
            " over to an account.",
        )
    _refuse_to_change(services, act)


def _require_at(
    services: Services, repository: Repository, wanted: Wanted, branch: BranchName | None
) -> None:
    """As for the app, where GitHub may protect the branch: asked for those who may otherwise."""
    _require(services, repository, wanted)
    if asks_protection(wanted) and _is_protected(services, repository, wanted, branch):
        _require(services, repository, replace(wanted, is_protected=True))


def _is_protected(
    services: Services, repository: Repository, wanted: Wanted, branch: BranchName | None
) -> bool:
    """Whether GitHub protects the branch; nobody asks for an operator, who may anyway."""
    if wanted.environment is not Environment.BRANCH or branch is None:
        return False
    if services.actor.is_operator or not repository.is_active:
        return False
    found = services.github.branch(repository, branch)
    return found is not None and found.is_protected


def _require(services: Services, repository: Repository, wanted: Wanted) -> None:
    """Let the actor do what is wanted with an app of the repository.

    Raises NotFound for those who may not even see it, as if it did not exist; Forbidden, saying
    what is missing; GitHubUnavailable.
    """
    actor = services.actor
    known = services.permissions.remembered(repository, actor)
    if known is not None and refusal(actor, wanted, permission=known) is not None:
        # Else whoever may not could use up what GitHub lets the service ask in an hour.
        present = known
    else:
        present = permission(services, repository, is_fresh=wanted.act is not See)
    seeing = Wanted(act=See, app_id=wanted.app_id)
    if refusal(actor, seeing, permission=present) is not None:
        raise _no_app(wanted.app_id)
    reason = refusal(actor, wanted, permission=present)
    if reason is not None:
        is_token_s = refusal(actor, wanted, permission=ROLES[-1]) is not None
        raise Forbidden(
            reason,
            advice="Make a token that may."
            if is_token_s
            else "Ask somebody who has it, or an admin of the repository to give it to you.",
        )
