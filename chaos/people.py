"""What operators do over the API: resets, restores, deletions, assignments."""

import time
from random import Random
from typing import Any

import requests

from chaos.developers import Deeds
from chaos.ledger import Place
from chaos.site import APPS, Site
from demo import interruption


def reset(site: Site, draw: Random) -> None:
    _act(site, draw, "reset", "POST", "/reset")


def fix(site: Site, draw: Random) -> None:
    _act(site, draw, "fix", "POST", "/fix")


def restore(site: Site, draw: Random) -> None:
    _act(site, draw, "restore", "POST", "/restore")


def delete(site: Site, draw: Random) -> None:
    _act(site, draw, "delete", "DELETE", "")


def drop(site: Site, draw: Random) -> None:
    _act(site, draw, "drop", "DELETE", "?now=true")


def create(site: Site, draw: Random) -> None:
    """A database for local work, with its shadow."""
    app = draw.choice(sorted(APPS))
    _asked(site, "create dev", "POST", f"/api/v1/apps/{app}/databases", {"environment": "dev"})


def unassign(site: Site, draw: Random) -> None:
    """End an assignment, and begin it again after a while."""
    app, seconds = draw.choice(sorted(APPS)), draw.uniform(0.2, 3)
    _asked(site, "unassign", "DELETE", f"/api/v1/apps/{app}")
    interruption.pause(seconds)
    while not assign(site, app) and time.monotonic() < site.until:
        interruption.pause(1)


def assign(site: Site, app: str) -> bool:
    """Assign an app to its instance; whether it is assigned now."""
    body = {
        "repository": site.repositories[app].full_name,
        "instance": APPS[app],
        "app": app,
    }
    status = _asked(site, "assign", "POST", "/api/v1/apps", body)
    return status in (201, 409)


def _asked(site: Site, kind: str, method: str, path: str, body: object = None) -> int:
    since = time.time()
    try:
        status = site.ask(method, path, body).status_code
    except requests.RequestException:
        status = 0
    site.ledger.note(f"{kind}: {status or 'no answer'}", since=since, detail=path)
    return status


def databases(site: Site) -> list[dict[str, Any]]:
    """What the API lists. Raises requests.RequestException."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = site.ask("GET", f"/api/v1/databases?limit=100{cursor}")
        answer.raise_for_status()
        page = answer.json()
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def place_of(database: dict[str, Any]) -> Place:
    """What a listed database is for."""
    return Place(
        app=database["app"],
        environment=database["environment"],
        branch=database["branch"] or "",
    )


def _act(site: Site, draw: Random, kind: str, method: str, rest: str) -> None:
    """Do it to some database."""
    try:
        found = databases(site)
    except requests.RequestException:
        found = []
    if not found:
        site.ledger.note(f"{kind}: nothing to do it to")
        return
    chosen = draw.choice(found)
    since = time.time()
    try:
        status = site.ask(method, f"/api/v1/databases/{chosen['id']}{rest}", {}).status_code
    except requests.RequestException:
        status = 0
    site.ledger.note(
        f"{kind}: {status or 'no answer'}",
        place=place_of(chosen),
        database_id=chosen["id"],
        since=since,
        # Without an answer, or with a 503, it may have been taken in all the same.
        is_open=status in (0, 503),
    )


DEEDS: Deeds = {
    "reset": (4, reset),
    "fix": (2, fix),
    "restore": (3, restore),
    "delete": (2, delete),
    "drop": (1, drop),
    "create": (1, create),
    "unassign": (1, unassign),
}
