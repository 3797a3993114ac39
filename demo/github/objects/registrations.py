"""Apps made from a manifest: what GitHub takes, what it makes of it, what it tells once.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from demo.github.model import Json

_KNOWN = {
    "name",
    "url",
    "hook_attributes",
    "redirect_url",
    "callback_urls",
    "setup_url",
    "description",
    "public",
    "default_events",
    "default_permissions",
    "request_oauth_on_install",
    "setup_on_update",
}
_LONGEST_NAME = 34
_MOST_CALLBACKS = 10
# Which permission lets an App hear of an event; one of them is enough.
# https://docs.github.com/en/webhooks/webhook-events-and-payloads
_HEARD_WITH = {
    "check_run": {"checks"},
    "check_suite": {"checks"},
    "create": {"contents"},
    "delete": {"contents"},
    "issue_comment": {"issues", "pull_requests"},
    "merge_group": {"merge_queues"},
    "pull_request": {"pull_requests"},
    "push": {"contents"},
    "repository": {"metadata"},
    "workflow_job": {"actions"},
    "workflow_run": {"actions"},
}


class BadManifest(Exception):
    """What GitHub does not take; the text says why."""


@dataclass(slots=True, kw_only=True)
class Conversion:
    """A code that tells a new App's secrets, once, within an hour."""

    made_at: datetime
    answer: Json = field(repr=False)


def read(text: str) -> Json:
    """The manifest. Raises BadManifest."""
    try:
        manifest = json.loads(text)
    except ValueError:
        raise BadManifest("The manifest is no JSON.") from None
    if not isinstance(manifest, dict):
        raise BadManifest("The manifest is no object.")
    problems = [f"{name} is not a field of a manifest" for name in manifest.keys() - _KNOWN]
    problems += _problems(manifest)
    if problems:
        raise BadManifest("; ".join(sorted(problems)))
    return manifest


def _problems(manifest: Json) -> list[str]:
    problems = []
    if not 0 < len(str(manifest.get("name", "App"))) <= _LONGEST_NAME:
        problems.append("Name is too long (maximum is 34 characters)")
    hook = manifest.get("hook_attributes", {})
    callbacks = manifest.get("callback_urls", [])
    if len(callbacks) > _MOST_CALLBACKS:
        problems.append("There are too many callback URLs")
    urls = [manifest.get("url"), hook.get("url"), manifest.get("redirect_url"), *callbacks]
    problems += [f"{url!r} is no URL" for url in urls if not _is_url(url)]
    permissions: dict[str, Any] = manifest.get("default_permissions", {})
    problems += [
        f"{level!r} is no access to {name}"
        for name, level in permissions.items()
        if level not in ("read", "write")
    ]
    problems += [
        f"Default events are not supported by permissions: {event}"
        for event in manifest.get("default_events", [])
        if not _HEARD_WITH.get(event, set()) & permissions.keys()
    ]
    return problems


def slug_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def new_client() -> tuple[str, str]:
    """An OAuth client's id and secret, of GitHub's look."""
    return f"Iv23li{secrets.token_hex(7)}", secrets.token_hex(20)


def _is_url(url: object) -> bool:
    return isinstance(url, str) and urlsplit(url).scheme in ("http", "https")
