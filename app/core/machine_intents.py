"""What only the machine of a server can do, for whoever asks for it on another one."""

from dataclasses import dataclass

from app.core.identifiers import DatabaseId, InstanceId, RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagStrays:
    """Tell of databases on an instance that nobody here remembers."""

    instance_id: InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteInstance:
    """Remove a provisioned instance with all its data, on the machine that it stands on."""

    instance_id: InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLogin:
    """Make a login on the machine of its server, for whoever asked for it on another one."""

    database_id: DatabaseId
    run_id: RunId | None
    """None: the long-lived login, for a person."""
