"""What the dashboard shows and does, programs can see and do: no page may be forgotten here."""

import re
from typing import Any
from unittest.mock import Mock

import pytest

from app.config import Config
from app.web.application import create_app

_FORM = "a form; what it asks for is taken by the operation of its button"
_ASKS = "asks whether to go on; an operation is not asked twice"
_BROWSER = "for a person at a browser: "

# A page, and the operations that do the same or tell what it shows; or why none is meant to.
PAGES: dict[str, tuple[str, ...] | str] = {
    "GET /": _BROWSER + "leads to another page",
    "GET /apps": ("GET /apps", "GET /databases"),
    "GET /apps/{app_id}": (
        "GET /apps/{app}",
        "GET /databases",
        "GET /databases/{database}/sizes",
        "GET /apps/{app}/pull-requests",
        "GET /apps/{app}/runs",
    ),
    "POST /apps/{app_id}/databases": ("POST /apps/{app}/databases",),
    "GET /apps/{app_id}/edit": ("GET /apps/{app}",),
    "POST /apps/{app_id}/edit": ("PATCH /apps/{app}",),
    "GET /apps/{app_id}/remove": _ASKS,
    "POST /apps/{app_id}/remove": ("DELETE /apps/{app}",),
    "GET /apps/{app_id}/runs/{run_id}": (
        "GET /apps/{app}/runs/{run}",
        "GET /apps/{app}/runs/{run}/migrations/{migration}/log",
        "GET /apps/{app}/runs/{run}/migrations/{migration}/trace",
    ),
    "GET /apps/{app_id}/runs/{run_id}/{environment}.log": (
        "GET /apps/{app}/runs/{run}/migrations/{migration}/log",
    ),
    "POST /apps/{app_id}/runs/{run_id}/rerun": ("POST /apps/{app}/runs/{run}/rerun",),
    "GET /assign": _FORM,
    "POST /assign": ("POST /apps",),
    "GET /audit": ("GET /audit",),
    "GET /claim/{secret}": ("POST /claims/preview",),
    "POST /claim/{secret}": ("POST /claims",),
    "GET /databases/{database_id}/delete": _ASKS,
    "POST /databases/{database_id}/delete": ("DELETE /databases/{database}",),
    "GET /databases/{database_id}/fix": _ASKS,
    "POST /databases/{database_id}/fix": ("POST /databases/{database}/fix",),
    "GET /databases/{database_id}/reset": _ASKS,
    "POST /databases/{database_id}/reset": ("POST /databases/{database}/reset",),
    "POST /databases/{database_id}/restore": ("POST /databases/{database}/restore",),
    "GET /databases/{database_id}/seed": _ASKS,
    "POST /databases/{database_id}/seed": ("POST /databases/{database}/seed",),
    "GET /databases/{database_id}/url": _BROWSER + "leads to another page",
    "POST /databases/{database_id}/url": ("POST /databases/{database}/credentials",),
    "GET /instances": ("GET /instances",),
    "GET /instances/{name}": (
        "GET /instances/{instance}",
        "GET /instances/{instance}/health",
        "GET /databases",
    ),
    "POST /instances/{name}/acknowledge/{code}": (
        "PUT /instances/{instance}/acknowledgements/{code}",
        "DELETE /instances/{instance}/acknowledgements/{code}",
    ),
    "GET /instances/{name}/delete": _ASKS,
    "POST /instances/{name}/delete": ("DELETE /instances/{instance}",),
    "GET /instances/{name}/edit": ("GET /instances/{instance}",),
    "POST /instances/{name}/edit": ("PATCH /instances/{instance}",),
    "GET /instances/{name}/limits": ("GET /instances/{instance}",),
    "POST /instances/{name}/limits": ("PUT /instances/{instance}/limits",),
    "GET /instances/{name}/offer": _FORM,
    "POST /instances/{name}/offer": ("POST /instances/{instance}/claim-link",),
    "POST /instances/{name}/test": ("POST /instances/{instance}/test",),
    "GET /link": _FORM,
    "POST /link": ("POST /instances/link/test", "POST /instances/link"),
    "GET /login": _BROWSER + "programs have tokens",
    "GET /login/callback": _BROWSER + "where GitHub sends it",
    "GET /login/device": _FORM,
    "POST /login/device": _BROWSER + "lets a program in, so no program may do it",
    "GET /login/github": _BROWSER + "sends it to GitHub",
    "GET /login/link": _ASKS,
    "POST /login/link": _BROWSER + "programs have tokens",
    "POST /logout": _BROWSER + "programs revoke their token",
    "GET /provision": _FORM,
    "POST /provision": ("POST /instances/provision",),
    "GET /setup": ("GET /github-app",),
    "GET /setup/created": _BROWSER + "where GitHub sends it",
    "GET /setup/forget": _ASKS,
    "POST /setup/forget": ("DELETE /github-app",),
    "GET /tokens": ("GET /tokens",),
    "POST /tokens": ("POST /tokens",),
    "POST /tokens/{token_id}/revoke": ("DELETE /tokens/{token}",),
}
_PLACE = re.compile(r"<(?:[a-z]+:)?")
NO_PAGES = ("/api", "/static/", "/webhooks/", "/healthz", "/readyz", "/metrics")


@pytest.fixture(scope="module")
def application() -> Any:
    return create_app(Mock(), Config.from_environ({}), Mock())


def pages(application: Any) -> set[str]:
    """Method and address of everything that is served and no part of the API."""
    return {
        f"{method} {_PLACE.sub('{', rule.rule).replace('>', '}')}"
        for rule in application.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith(NO_PAGES)
    }


def test_every_page_has_an_operation_or_a_reason_to_have_none(application: Any) -> None:
    assert pages(application) == PAGES.keys()


def test_the_operations_are_there(application: Any) -> None:
    described = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in application.api_doc["paths"].items()
        for method in methods
    }

    named = {each for found in PAGES.values() if isinstance(found, tuple) for each in found}

    assert named <= described
