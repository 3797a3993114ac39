"""What stands on a server, held against what the rows say of it."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.core.databases import Database, DatabaseState
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName, RoleName
from app.core.trials import is_of_a_trial

# Ids that Coppice makes itself; those that people chose are known only while their app is.
_MADE_HERE = re.compile(
    r"[0-9a-f]{6}-(production|preview|dev|dev-shadow|(retired|template)-[0-9]+|-.+)"
)
# What a database is called between its end and its DROP.
_ON_ITS_WAY_OUT = re.compile(r"(?P<owner>.+)-dropping-[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingDatabase:
    """A database as the server's catalog has it."""

    owner: RoleName
    marker: str | None
    is_open: bool
    """Its server lets logins in."""
    is_half_dropped: bool
    """A DROP of it was interrupted: nothing but another DROP is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a server's catalog says, read at once."""

    databases: Mapping[DatabaseName, StandingDatabase]
    logins: Mapping[RoleName, bool]
    """Of the roles that were asked for, those that exist: whether each may log in."""
    shut_for_a_while: frozenset[RoleName] = frozenset()
    """Those that may not, and are let in again by who ends the job that used them."""


class Fault(StrEnum):
    """How what stands differs from what the row says; the codes of errors where there are some."""

    MISSING = "database_missing"
    REPLACED = "naming_conflict"
    UNMARKED = "marker_missing"
    CHANGED = "marker_changed"
    """It is this row's by its owner, and its mark is another one."""
    OWNERLESS = "data_role_missing"
    """Ready, and the data role that is to own what is inside does not exist."""
    SHUT = "database_shut"
    """Ready, and it lets its login not in."""
    OPEN = "database_open"
    """Deleted or frozen, and it lets somebody in."""


def failure(name: DatabaseName, fault: Fault) -> ProvisioningFailed:
    """What a person is told who is to do something about it."""
    message, advice = {
        Fault.MISSING: (
            f"The database {name} is no longer on the server.",
            "Look for it on the server first: renamed back, it is ready by itself. Fix makes a"
            " new one in its place, WITHOUT ITS DATA.",
        ),
        Fault.REPLACED: (
            f"Naming conflict: the server has a database {name} that Coppice did not make for this"
            " branch.",
            "Rename or drop that database on the server, then use Fix.",
        ),
        Fault.UNMARKED: (
            f"The database {name} does not carry the mark that Coppice gave it.",
            "Find out who removed its comment; Fix sets it again.",
        ),
        Fault.CHANGED: (
            f"The database {name} carries another mark than the one that Coppice gave it.",
            "Find out who changed its comment, or put an older database in its place. If it is the"
            " right one, take that away, as the role of Coppice or a superuser of the server:"
            f' COMMENT ON DATABASE "{name}" IS NULL; then use Fix.',
        ),
        Fault.OWNERLESS: (
            f"The role that is to own what is inside {name} is no longer on the server.",
            "The next reconcile makes it again (`coppice reconcile`). Where migrations then miss"
            " what it owned, Reset begins anew.",
        ),
        Fault.SHUT: (
            f"The database {name} is ready, and does not let its login in.",
            "The next reconcile opens it (`coppice reconcile`).",
        ),
        Fault.OPEN: (
            f"The database {name} is closed, and lets somebody in.",
            "The next reconcile closes it (`coppice reconcile`).",
        ),
    }[fault]
    return ProvisioningFailed(message, advice=advice, code=fault.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A row that does not say what is there."""

    database: Database
    fault: Fault

    @property
    def told(self) -> ProvisioningFailed:
        """What a person is told: nobody misses a deleted database but for its data."""
        name = self.database.name
        if self.fault is Fault.MISSING and self.database.state is DatabaseState.DELETED:
            return ProvisioningFailed(
                f"The data that was kept of the deleted {name} is no longer on the server.",
                advice="If it was renamed there, rename it back to be able to restore it. Otherwise"
                f" take it off the list: coppice databases delete {name} --now",
                code=self.fault.value,
            )
        return failure(name, self.fault)


def roles_of(databases: Iterable[Database]) -> list[RoleName]:
    """The roles that `Standing` is to tell of, so that these databases can be held against it."""
    return sorted({role for one in databases for role in (one.login_role, one.inner_owner)})


def differences(databases: Iterable[Database], standing: Standing) -> list[Difference]:
    """All rows that do not say what is there."""
    found = [(one, fault_of(one, standing)) for one in databases]
    return [Difference(database=one, fault=fault) for one, fault in found if fault is not None]


def fault_of(database: Database, standing: Standing) -> Fault | None:
    """How a row differs from what stands; None: it does not.

    Nothing is said of one that is being made, or failed: that is looked at when it is made, and its
    reason is told.
    """
    is_closed = database.state is DatabaseState.DELETED or database.is_shut
    if not is_closed and database.state is not DatabaseState.READY:
        return None
    found, wrong = standing.databases.get(database.name), _wrong(database, standing)
    may_log_in = standing.logins.get(database.login_role, False)
    if not is_closed:
        is_waiting = database.login_role in standing.shut_for_a_while
        is_open = found is not None and found.is_open and (may_log_in or is_waiting)
        if wrong is not None or not is_open:
            return wrong or Fault.SHUT
        return None if database.inner_owner in standing.logins else Fault.OWNERLESS
    if wrong is Fault.CHANGED:
        return wrong  # of a generation that is not known here, as after an older backup
    is_open = found is not None and found.is_open and wrong is not Fault.REPLACED
    if is_open or may_log_in:
        return Fault.OPEN
    return wrong if database.is_made else None


def _wrong(database: Database, standing: Standing) -> Fault | None:
    found = standing.databases.get(database.name)
    if found is None or found.is_half_dropped:
        return Fault.MISSING
    if found.owner != database.owner_role:
        return Fault.REPLACED
    if found.marker is None:
        return Fault.UNMARKED
    is_present = found.marker == database.marker or database.state is not DatabaseState.READY
    return None if is_present and database.tenant().is_ours(found.marker) else Fault.CHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A database that is ours by its name, and has no row."""

    name: DatabaseName
    is_of_known_app: bool
    """Else it could be another service's, on a server that both use."""


def unknown(
    names: Iterable[DatabaseName], *, databases: Collection[Database], app_ids: Iterable[str]
) -> list[Unknown]:
    """Databases of one server that nobody here remembers.

    Args:
        names: All that the server has.
        databases: The rows of that server that are not gone.
        app_ids: Of all apps that ever were.
    """
    prefixes = tuple(f"{app_id}-" for app_id in app_ids)
    known = {one.name for one in databases}
    owners = {one.owner_role for one in databases}

    def is_known(name: DatabaseName) -> bool:
        leaving = _ON_ITS_WAY_OUT.fullmatch(name)
        is_leaving = leaving is not None and leaving["owner"] in owners
        return name in known or is_leaving or is_of_a_trial(name)

    return [
        Unknown(name=name, is_of_known_app=name.startswith(prefixes))
        for name in names
        if not is_known(name) and (name.startswith(prefixes) or _MADE_HERE.fullmatch(name))
    ]
