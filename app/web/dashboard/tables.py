"""Databases as rows of a table: what is known of each, and what the reader may do with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import request

from app.core.assignments import App, Assignment, Policies
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName
from app.core.people import Act, Change, Connect, Lose, Wanted, refusal
from app.core.queues import is_of_databases
from app.core.repositories import Repository
from app.core.seeding import Prospect, Seed, prospect
from app.operations import access
from app.operations.administration.database_overviews import KnownDatabase, known
from app.operations.services import Services

_AWAITED = {"restore", "create-restore", "drop"}
_LOSING = {"reset", "delete"}
_ORDER = (
    Environment.PRODUCTION,
    Environment.PREVIEW,
    Environment.DEV,
    Environment.SHADOW,
    Environment.BRANCH,
    Environment.TEMPLATE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What the reader may do with an app, as far as GitHub was asked; acting asks it again."""

    services: Services
    app_id: AppId
    repository: Repository | None
    permission: str

    def may(
        self, act: Act, environment: str | None = None, branch: BranchName | None = None
    ) -> bool:
        return self.why_not(act, environment, branch) is None

    def why_not(
        self, act: Act, environment: str | None = None, branch: BranchName | None = None
    ) -> str | None:
        """The reason for which the act would be refused."""
        wanted = Wanted(
            act=act,
            app_id=self.app_id,
            environment=Environment(environment) if environment else None,
        )
        reason = self._refusal(wanted)
        if reason is not None or branch is None or self.repository is None:
            return reason
        # GitHub is asked for its protected branches only if that makes a difference.
        reason = self._refusal(replace(wanted, is_protected=True))
        if reason is None:
            return None
        protected = self.services.permissions.protected_branches(
            self.services.github_of_app, self.repository
        )
        return reason if branch in protected else None

    def _refusal(self, wanted: Wanted) -> str | None:
        return refusal(self.services.actor, wanted, permission=self.permission)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A database."""

    known: KnownDatabase
    repository: Repository | None
    may_connect: bool
    may_change: bool
    may_lose: bool
    """The reader may reset and delete it."""

    seeding: Prospect
    is_seed_owed: bool
    """The next run seeds it (`dev`: the next migration by hand): somebody asked, or it failed."""
    hint: str | None
    """What the reader may not do with it, and why, where they may do so with others of the app."""

    @property
    def database(self) -> Database:
        return self.known.database

    @property
    def is_migrating(self) -> bool:
        """Whether a run migrates it now."""
        return self.known.last is not None and self.known.last.result is None

    @property
    def place(self) -> str:
        """What it is for, in a word."""
        return self.database.branch or self.database.environment.value

    @property
    def is_live(self) -> bool:
        return self.database.is_live

    @property
    def acts(self) -> tuple[str, ...]:
        """What can be done in its state by the reader."""
        state = self.database.state
        if self.database.environment is Environment.TEMPLATE:
            return ()
        if state is DatabaseState.READY:
            connect = ("url",) if self.may_connect else ()
            seed = ("seed",) if self.seeding is Prospect.ON_REQUEST else ()
            return connect + self._of("reset", "fix", "delete", *seed)
        if state is DatabaseState.ERROR:
            return self._of("fix", "reset", "delete")
        if state is DatabaseState.DELETED:
            return self._of("restore", "delete") if self.database.is_live else self._of("delete")
        return self._of("fix")

    def _of(self, *acts: str) -> tuple[str, ...]:
        """Those of the acts that the reader may do."""
        return tuple(act for act in acts if (self.may_lose if act in _LOSING else self.may_change))


def abilities(services: Services, app: App, repository: Repository | None) -> Abilities:
    """What the reader may do with an app. Raises GitHubUnavailable."""
    permission = "none"
    if repository is not None and not services.actor.is_operator:
        permission = access.permission(services, repository)
    return Abilities(services=services, app_id=app.id, repository=repository, permission=permission)


def rows(
    services: Services,
    databases: Sequence[Database],
    *,
    abilities: Mapping[AppId, Abilities],
    assignments: Sequence[Assignment],
) -> list[Row]:
    """In the order in which people look for them: production first, deleted ones last."""
    policies = {one.app.id: one.policies for one in assignments}
    seeds = services.store.seeds.known([one.id for one in databases])
    return [
        _row(
            one,
            abilities[one.database.app_id],
            seed=seeds.get(one.database.id),
            policies=policies.get(one.database.app_id),
        )
        for one in known(services, sorted(databases, key=_order))
    ]


def _row(
    one: KnownDatabase,
    can: Abilities,
    *,
    seed: Seed | None,
    policies: Policies | None,
) -> Row:
    database = one.database
    seeding = Prospect.NEVER
    if policies is not None:  # else no run comes
        last_command = one.last.seed_command if one.last else ""
        seeding = prospect(database, seed, last_command=last_command, policies=policies)
    why_no_change = can.why_not(Change, database.environment)
    why_no_loss = can.why_not(Lose, database.environment, database.branch)
    return Row(
        known=one,
        repository=can.repository,
        may_connect=can.may(Connect, database.environment),
        may_change=why_no_change is None,
        may_lose=why_no_loss is None,
        seeding=seeding,
        is_seed_owed=seeding is Prospect.AWAITED and seed is not None,
        hint=_hint(why_no_change, why_no_loss)
        if can.may(Change) and database.environment is not Environment.TEMPLATE
        else None,
    )


def _hint(why_no_change: str | None, why_no_loss: str | None) -> str | None:
    if why_no_loss is None:
        return None
    acts = "Reset, Delete" if why_no_change is None else "Fix, Reset, Delete"
    return f"{acts}: {why_no_loss[0].lower()}{why_no_loss[1:]}"


def is_busy(services: Services, databases: Sequence[Database]) -> bool:
    """Whether something is on its way, so that the page should follow it.

    A database that is restored or dropped is `deleted` until then: only the job tells.
    """
    if any(one.state is DatabaseState.CREATING for one in databases):
        return True
    is_awaited = request.args.get("done") in _AWAITED
    waiting = services.store.queue.waiting() if is_awaited else {}
    return any(jobs for queue, jobs in waiting.items() if is_of_databases(queue))


def _order(database: Database) -> tuple[bool, str, int, str]:
    is_deleted = database.state is DatabaseState.DELETED
    place = _ORDER.index(database.environment)
    return is_deleted, database.app_id, place, database.branch or ""
