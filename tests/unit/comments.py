"""A comment's webhook, to be spoiled one field at a time."""

import copy
from collections.abc import Mapping
from typing import Any

COMMENT: Mapping[str, Any] = {
    "action": "created",
    "issue": {
        "number": 5,
        "pull_request": {"url": "https://api.github.com/repos/acme/shop/pulls/5"},
    },
    "comment": {
        "id": 77,
        "user": {"id": 9, "login": "mona", "type": "User"},
        "body": "/db reset\r\n\r\nThe data is of no use any more.",
        "performed_via_github_app": None,
    },
    "sender": {"id": 9, "login": "mona", "type": "User"},
    "repository": {
        "id": 42,
        "full_name": "acme/shop",
        "default_branch": "main",
        "owner": {"id": 7, "login": "acme"},
    },
}


def changed(payload: Mapping[str, Any], changes: Mapping[str, object]) -> dict[str, Any]:
    """The payload with other values at these dotted paths."""
    copied: dict[str, Any] = copy.deepcopy(dict(payload))
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = copied
        for name in parents:
            place = place[name]
        place[last] = value
    return copied
