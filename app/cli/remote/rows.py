"""What the API answers, as the rows that commands show."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.cli.output import Row
from app.core.assignments import RULES
from app.core.runs import word_of


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
    commit = shown["migrated_commit"]
    return {
        "name": shown["name"],
        "app": shown["app"],
        "repository": shown.get("repository"),
        "environment": shown["environment"],
        "branch": shown["branch"],
        "state": shown["state"],
        "instance": shown["instance"],
        "last_migration": _last_migration(shown.get("last_migration")),
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


def _last_migration(last: Mapping[str, Any] | None) -> str | None:
    return word_of(last["result"], last.get("seed")) if last else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
