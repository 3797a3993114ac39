"""What operations ask of a PostgreSQL server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.core.databases import TenantDatabase
from app.core.extensions import Available
from app.core.findings import ServerReport, TriedStep
from app.core.identifiers import (
    DatabaseName,
    RoleName,
)
from app.core.instances import Address
from app.core.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSize:
    """Bytes on disk as PostgreSQL counts them."""

    name: DatabaseName
    size_bytes: int


class DatabaseServer(Protocol):
    """One PostgreSQL server, administered by a role with CREATEDB and CREATEROLE.

    Every method may be repeated, also after a crash halfway. All raise ServerUnreachable when the
    server does not answer, and ProvisioningFailed with a person's words for what repeating will
    not mend.
    """

    def probe(self) -> ServerReport:
        """Say exactly which privilege or setting is missing. Changes nothing that stays."""

    def try_out(self) -> Sequence[TriedStep]:
        """Do all that a database needs in its life with a throw-away one, and take it away again.

        What lacks is in the steps. Raises TransientError when it could not be seen to the end.
        """

    def sweep_trials(self) -> Sequence[str]:
        """Clear away what killed tries left, and nothing of one under way; returns their names."""

    def extensions(self) -> Sequence[Available]:
        """What can be made in its databases, ordered by name."""

    def provision(self, database: TenantDatabase, *, password: str) -> None:
        """Make roles, database, grants and marker, verify each by reading back, then open it.

        Closed to connections until its grants are verified; the login gets its password last, and
        the marker is read over that login before this returns.

        With a template it is a clone of that, settings of the template's login included; to be
        repeated with the same. Raises ProvisioningFailed (`template_missing`) when the template
        cannot be cloned any more, TransientError when somebody is in it.
        """

    def issue(self, database: TenantDatabase, *, password: str) -> None:
        """Make the long-lived login usable again with `password`, harmless settings and ours.

        A tenant can change its own password and role settings; this undoes what is not harmless.
        Checks the marker over the login. Raises ProvisioningFailed when it is not ours.
        """

    def end_sessions(self, database: TenantDatabase, *, password: str) -> None:
        """End every session of the long-lived login, which may connect again at once."""

    def check_marker(
        self, database: TenantDatabase, *, role: RoleName, password: str, address: Address
    ) -> None:
        """Raise ProvisioningFailed unless that login at that address reaches this database."""

    def open_job_login(self, database: TenantDatabase, login: "JobLoginRequest") -> None:
        """Make a login role for one job, and check the marker over it.

        It begins with the harmless settings that the long-lived login has. What that owns itself
        goes to the data role, if there is one, as far as it goes.
        """

    def close_job_login(
        self, database: TenantDatabase, role: RoleName, *, password: str | None = None
    ) -> "JobEnd":
        """End its sessions, hand its objects to who owns what is inside, drop the role.

        A job can act as the long-lived login, and give that another password to come back with.
        With the right `password` this is undone before anything is handed over; had the login
        another one, its sessions are ended too. Of the settings that the job left on any role
        the harmless ones stay with the long-lived login.

        What cannot be handed over stays with the role, which can do nothing any more; `provision`
        and `unseal` try again. If the role is gone, only the login is looked at. Raises
        TransientError when somebody is still inside after some seconds.
        """

    def seal(self, database: TenantDatabase) -> None:
        """Refuse and end all connections; the data stays."""

    def unseal(self, database: TenantDatabase, *, password: str) -> None:
        """Undo `seal`, verifying grants and marker as `provision` does."""

    def freeze(self, database: TenantDatabase, *, within_seconds: float = 100) -> None:
        """Prepare a database for being sealed as a template: no page of it will change any more.

        Ends its logins, gives what they own to who owns what is inside, analyzes and freezes all.
        A table whose analysis fails has no statistics. Raises ProvisioningFailed when something
        still names a login (`template_not_handed_over`), or freezing took too long
        (`freeze_too_long`); TransientError when somebody holds a table.
        """

    def rename(self, database: TenantDatabase, *, new_name: DatabaseName) -> None:
        """Rename a sealed database out of the way."""

    def clear(self, database: TenantDatabase) -> None:
        """Drop the database; its roles stay, unable to log in, for a new one. Cannot be undone."""

    def drop(self, database: TenantDatabase) -> None:
        """Drop the database and its roles, job logins included. Cannot be undone.

        Raises ProvisioningFailed (`role_in_use`) when the database is gone and a role had to stay.
        """

    def limit_connections(self, database: TenantDatabase) -> None:
        """Allow the database and its logins as many connections as it says, from now on."""

    def with_other_limits(self, databases: Sequence[TenantDatabase]) -> Sequence[DatabaseName]:
        """Those that are there and allow another number of connections than they say."""

    def sizes(self, *, only: Sequence[DatabaseName] | None = None) -> Sequence[DatabaseSize]:
        """Sizes of the databases this role may measure, or of those with these names."""

    def standing(
        self, roles: Sequence[RoleName], *, only: Sequence[DatabaseName] | None = None
    ) -> Standing:
        """All that stands on the server, or under these names, and whether roles may log in."""

    def need(self, database: TenantDatabase, *, may_lack_mark: bool) -> None:
        """Raise ProvisioningFailed unless it is there, whole, and with our marker or with none.

        The code is one of `FOR_A_PERSON`.
        """

    def database_names(self, *, prefix: str) -> Sequence[DatabaseName]:
        """Names of the databases on the server that begin with `prefix`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLoginRequest:
    """What a job login is made of."""

    role: RoleName
    password: str
    valid_until: datetime
    settings: Mapping[str, str] = field(default_factory=dict)
    """What its sessions begin with by the rules of an assignment, as PostgreSQL takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """How the end of a job's login went: nobody is inside, whatever stands here."""

    left: str | None
    """Why something could not be handed over, for the log."""
    is_settled: bool
    """False: who began to come in with a planted password still may; to be asked again for that."""
    settings: tuple[str, ...] = ()
    """Names of settings that were on the roles and are not kept, for the log and the check."""
