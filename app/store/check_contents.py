"""What check runs say, as it is stored."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.core.checks import CheckAction, CheckContent, Conclusion


def content_to_json(content: CheckContent) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in asdict(content).items()
    }


def content_from(stored: dict[str, Any]) -> CheckContent:
    values = dict(stored)
    for key in ("started_at", "completed_at"):
        values[key] = datetime.fromisoformat(values[key]) if values[key] else None
    values["conclusion"] = Conclusion(values["conclusion"]) if values["conclusion"] else None
    values["actions"] = tuple(CheckAction(**action) for action in values["actions"])
    return CheckContent(**values)
