"""What the API answers, as the rows that commands show."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import shorten
from typing import Any

from app.cli.output import Row
from app.core import connections as core_connections
from app.core import trace_terms as terms
from app.core.amounts import duration
from app.core.assignments import RULES
from app.core.instances import Address, AdminLogin, Instance, InstanceKind, SslMode
from app.core.limits import Limits
from app.core.runs import word_of
from app.core.timelines import tables_of
from app.core.traces import Trace, worst_first
from app.operations.administration.limits import described

_BRIEF = 70
"""Letters of a statement in a table."""


def instance_row(view: Mapping[str, Any]) -> Row:
    return {
        "name": view["name"],
        "status": view["status"],
        "kind": view["kind"],
        "address": _address(view["public_address"]),
        "apps": view["apps"],
        "databases": view["databases"],
        "problem": view["problem"],
    }


def instance_record(
    view: Mapping[str, Any], databases: Sequence[Mapping[str, Any]], health: Mapping[str, Any]
) -> Row:
    """All of an instance; `health` is empty for those who may not see it."""
    public, admin = view["public_address"], view["administration"]
    limits, connections, trial = view["limits"], view["connections"], health.get("trial")
    room = connections["server"] if connections else None
    return {
        **instance_row(view),
        "admin_address": _address(admin),
        "admin_user": admin["user"] if admin else None,
        "host": view["host"],
        "sslmode": public["sslmode"] if public else None,
        "own_ca": view["ca_certificate"] is not None,
        "pooler": _address(view["pooler_address"]),
        "pooler_knows_job_logins": view["pooler_knows_job_logins"],
        "plain_passwords": view["plain_passwords"],
        "limits": described(Limits(**limits)),
        "connections": core_connections.described(limits["connections"], room=room),
        "over_limit": view["over_limit"],
        "owner": view["owner"],
        "databases": [f"{one['name']} ({one['state']})" for one in databases],
        "findings": [
            f"{one['code']}: {one['message']}"
            for one in health.get("findings", ())
            if one["acknowledged"] is None
        ],
        "acknowledged": [
            f"{one['code']} ({by_whom(one['acknowledged'])}): {one['message']}"
            for one in health.get("findings", ())
            if one["acknowledged"] is not None
        ],
        "tried_at": _time(trial["tried_at"]) if trial else None,
        "tried": [f"{one['words']}: {one['outcome']}" for one in trial["steps"]] if trial else [],
    }


def by_whom(acknowledged: Mapping[str, Any]) -> str:
    """For people: who accepted it, and on which day."""
    return f"by {acknowledged['by']} on {acknowledged['at'][:10]}"


def instance_of(view: Mapping[str, Any]) -> Instance:
    """The instance as far as it is shown, for what is said of every one in the same words."""
    public = _address_of(view["public_address"], ca_certificate=view["ca_certificate"])
    pooler = view["pooler_address"]
    return Instance(
        name=view["name"],
        kind=InstanceKind(view["kind"]),
        admin=AdminLogin(address=public, user="", password=""),
        public_address=public,
        pooler_address=_address_of(pooler) if pooler else None,
        pooler_knows_job_logins=view["pooler_knows_job_logins"],
        has_plain_passwords=view["plain_passwords"],
    )


def app_row(view: Mapping[str, Any]) -> Row:
    return {
        "app": view["id"],
        "repository": view["repository"],
        "instance": view["instance"],
        "migration_command": view["migration_command"] or None,
        "seed_command": view["policies"]["seed_command"] or None,
        "databases": view["databases"],
        "installation": view["installation"],
    }


def app_record(view: Mapping[str, Any]) -> Row:
    rules = {rule.name: view["policies"][rule.name] for rule in RULES}
    return {
        **app_row(view),
        "default_branch": view["default_branch"],
        **{name: None if value == "" else value for name, value in rules.items()},
    }


def database_row(view: Mapping[str, Any]) -> Row:
    commit, last = view["migrated_commit"], view.get("last_migration")
    return {
        "name": view["name"],
        "app": view["app"],
        "repository": view.get("repository"),
        "environment": view["environment"],
        "branch": view["branch"],
        "state": view["state"],
        "instance": view["instance"],
        "last_migration": word_of(last["result"], last.get("seed")) if last else None,
        "migrated": commit[:12] if commit else None,
        "kept_until": _time(view["kept_until"]),
        "size_bytes": view.get("size_bytes"),
        "over_limit": view.get("over_limit"),
    }


def database_record(view: Mapping[str, Any]) -> Row:
    last = view.get("last_migration") or {}
    return {
        **database_row(view),
        "login": view["login"],
        "reason": view["reason"],
        "reason_code": view["reason_code"],
        "generation": view["generation"],
        "cloned_from": view["cloned_from"],
        "last_migration_commit": last.get("commit"),
        "last_migration_at": _time(last.get("at")),
        "last_migration_url": last.get("url"),
        "migrated_commit": view["migrated_commit"],
        "migrated_at": _time(view["migrated_at"]),
        "created_at": _time(view["created_at"]),
        "ready_at": _time(view["ready_at"]),
        "seeded_at": _time(view["seeded_at"]),
        "seed_is_owed": view["seed_is_owed"],
        "kept_until": _time(view["kept_until"]),
    }


def run_row(view: Mapping[str, Any]) -> Row:
    results = [str(one["result"] or "running") for one in view["migrations"]]
    return {
        "run": view["id"],
        "branch": view["branch"],
        "commit": view["head_sha"][:12],
        "event": view["event"],
        "databases": view["environments"],
        "results": results,
        "created_at": _time(view["created_at"]),
    }


def run_record(view: Mapping[str, Any]) -> Row:
    return {
        **run_row(view),
        "job": view["job_name"],
        "job_url": view["job_url"],
        "command": view["command"],
        "seed_command": view["seed_command"],
        "migrations": [
            f"{one['database']}: {one['result'] or 'running'}"
            + (f", seed: {one['seed']['result']}" if one["seed"] else "")
            for one in view["migrations"]
        ],
    }


def trace_rows(trace: Trace) -> list[Row]:
    """The statements, the worst first."""
    return [
        {
            terms.TOOK: duration(one.ms / 1000),
            terms.HELD: duration(one.held_ms / 1000) if one.locks else None,
            terms.BLOCKS: one.blocks,
            terms.TABLES: list(tables_of(one)) or None,
            terms.REWRITTEN: list(one.rewrites) or None,
            terms.STATEMENT: shorten(one.sql, _BRIEF, placeholder=" ..."),
        }
        for one in worst_first(trace)
    ]


def audit_row(view: Mapping[str, Any]) -> Row:
    return {**view, "at": _time(view["at"])}


def token_row(view: Mapping[str, Any]) -> Row:
    return {
        "token": view["id"],
        "name": view["name"],
        "kind": view["kind"],
        "maker": view["maker"],
        "app": view["app"],
        "read_only": view["read_only"],
        "created_at": _time(view["created_at"]),
        "expires_at": _time(view["expires_at"]),
        "last_used_at": _time(view["last_used_at"]),
    }


def _address_of(view: Mapping[str, Any], *, ca_certificate: str | None = None) -> Address:
    return Address(
        host=view["host"],
        port=view["port"],
        sslmode=SslMode(view["sslmode"]),
        ca_certificate=ca_certificate,
    )


def _address(view: Mapping[str, Any] | None) -> str | None:
    return f"{view['host']}:{view['port']}" if view else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
