"""What the API answers, as the rows that commands show."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.cli.output import Row
from app.core import connections as core_connections
from app.core.assignments import RULES
from app.core.instances import Address, AdminLogin, Instance, InstanceKind, SslMode
from app.core.limits import Limits
from app.core.runs import word_of
from app.operations.administration.limits import described


def instance_row(shown: Mapping[str, Any]) -> Row:
    return {
        "name": shown["name"],
        "status": shown["status"],
        "kind": shown["kind"],
        "address": _address(shown["public_address"]),
        "apps": shown["apps"],
        "databases": shown["databases"],
        "problem": shown["problem"],
    }


def instance_record(
    shown: Mapping[str, Any], databases: Sequence[Mapping[str, Any]], health: Mapping[str, Any]
) -> Row:
    """All of an instance; `health` is empty for those who may not see it."""
    public, admin = shown["public_address"], shown["administration"]
    limits, connections, trial = shown["limits"], shown["connections"], health.get("trial")
    room = connections["server"] if connections else None
    return {
        **instance_row(shown),
        "admin_address": _address(admin),
        "admin_user": admin["user"] if admin else None,
        "host": shown["host"],
        "sslmode": public["sslmode"] if public else None,
        "own_ca": shown["ca_certificate"] is not None,
        "pooler": _address(shown["pooler_address"]),
        "pooler_knows_job_logins": shown["pooler_knows_job_logins"],
        "plain_passwords": shown["plain_passwords"],
        "limits": described(Limits(**limits)),
        "connections": core_connections.described(limits["connections"], room=room),
        "over_limit": shown["over_limit"],
        "owner": shown["owner"],
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


def instance_of(shown: Mapping[str, Any]) -> Instance:
    """The instance as far as it is shown, for what is said of every one in the same words."""
    public = _address_of(shown["public_address"], ca_certificate=shown["ca_certificate"])
    pooler = shown["pooler_address"]
    return Instance(
        name=shown["name"],
        kind=InstanceKind(shown["kind"]),
        admin=AdminLogin(address=public, user="", password=""),
        public_address=public,
        pooler_address=_address_of(pooler) if pooler else None,
        pooler_knows_job_logins=shown["pooler_knows_job_logins"],
        has_plain_passwords=shown["plain_passwords"],
    )


def app_row(shown: Mapping[str, Any]) -> Row:
    return {
        "app": shown["id"],
        "repository": shown["repository"],
        "instance": shown["instance"],
        "migration_command": shown["migration_command"] or None,
        "seed_command": shown["policies"]["seed_command"] or None,
        "databases": shown["databases"],
        "installation": shown["installation"],
    }


def app_record(shown: Mapping[str, Any]) -> Row:
    rules = {rule.name: shown["policies"][rule.name] for rule in RULES}
    return {
        **app_row(shown),
        "default_branch": shown["default_branch"],
        **{name: None if value == "" else value for name, value in rules.items()},
    }


def database_row(shown: Mapping[str, Any]) -> Row:
    commit, last = shown["migrated_commit"], shown.get("last_migration")
    return {
        "name": shown["name"],
        "app": shown["app"],
        "repository": shown.get("repository"),
        "environment": shown["environment"],
        "branch": shown["branch"],
        "state": shown["state"],
        "instance": shown["instance"],
        "last_migration": word_of(last["result"], last.get("seed")) if last else None,
        "migrated": commit[:12] if commit else None,
        "kept_until": _time(shown["kept_until"]),
        "size_bytes": shown.get("size_bytes"),
        "over_limit": shown.get("over_limit"),
    }


def database_record(shown: Mapping[str, Any]) -> Row:
    last = shown.get("last_migration") or {}
    return {
        **database_row(shown),
        "login": shown["login"],
        "reason": shown["reason"],
        "reason_code": shown["reason_code"],
        "generation": shown["generation"],
        "last_migration_commit": last.get("commit"),
        "last_migration_at": _time(last.get("at")),
        "last_migration_url": last.get("url"),
        "migrated_commit": shown["migrated_commit"],
        "migrated_at": _time(shown["migrated_at"]),
        "created_at": _time(shown["created_at"]),
        "ready_at": _time(shown["ready_at"]),
        "seeded_at": _time(shown["seeded_at"]),
        "seed_is_owed": shown["seed_is_owed"],
        "kept_until": _time(shown["kept_until"]),
    }


def run_row(shown: Mapping[str, Any]) -> Row:
    results = [str(one["result"] or "running") for one in shown["migrations"]]
    return {
        "run": shown["id"],
        "branch": shown["branch"],
        "commit": shown["head_sha"][:12],
        "event": shown["event"],
        "databases": shown["environments"],
        "results": results,
        "created_at": _time(shown["created_at"]),
    }


def run_record(shown: Mapping[str, Any]) -> Row:
    return {
        **run_row(shown),
        "job": shown["job_name"],
        "job_url": shown["job_url"],
        "command": shown["command"],
        "seed_command": shown["seed_command"],
        "migrations": [
            f"{one['database']}: {one['result'] or 'running'}"
            + (f", seed: {one['seed']['result']}" if one["seed"] else "")
            for one in shown["migrations"]
        ],
    }


def audit_row(shown: Mapping[str, Any]) -> Row:
    return {**shown, "at": _time(shown["at"])}


def token_row(shown: Mapping[str, Any]) -> Row:
    return {
        "token": shown["id"],
        "name": shown["name"],
        "kind": shown["kind"],
        "maker": shown["maker"],
        "app": shown["app"],
        "read_only": shown["read_only"],
        "created_at": _time(shown["created_at"]),
        "expires_at": _time(shown["expires_at"]),
        "last_used_at": _time(shown["last_used_at"]),
    }


def _address_of(shown: Mapping[str, Any], *, ca_certificate: str | None = None) -> Address:
    return Address(
        host=shown["host"],
        port=shown["port"],
        sslmode=SslMode(shown["sslmode"]),
        ca_certificate=ca_certificate,
    )


def _address(shown: Mapping[str, Any] | None) -> str | None:
    return f"{shown['host']}:{shown['port']}" if shown else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
