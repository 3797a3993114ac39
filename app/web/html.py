"""Pages for people: what every template may use, and errors as pages."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import amounts, markdown, trace_terms
from app.core.advised_sql import pieces
from app.core.connections import USUAL
from app.core.environments import MIGRATED_BY
from app.core.errors import CoppiceError
from app.core.limits import FROZEN_ADVICE
from app.core.ownership import UnknownLink
from app.core.people import Actor, Change, Manage
from app.operations import access
from app.operations.services import Services
from app.web.advice import advice_on_page, on_page
from app.web.identity import current_actor
from app.web.marked import marked, unbroken

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"
STATIC_SECONDS = 365 * 24 * 3600

_FOR_PROGRAMS = ("/api/", "/webhooks/", "/healthz", "/readyz", "/metrics")
_TITLES = {
    400: "That cannot be done like this",
    401: "Log in first",
    403: "You may not do this",
    404: "Nothing is here",
    405: "That cannot be done like this",
    409: "Not now",
    413: "That is too much",
    422: "PostgreSQL does not allow that",
    503: "Something does not answer",
}
# Of errors that are not what else is meant by their status.
_TITLES_BY_CODE = {
    UnknownLink.code: "This link works no more",
    "link_expired": "This link works no more",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place in the main navigation."""

    label: str
    path: str
    also: tuple[str, ...] = ()
    """Where pages of this section are beside those below `path`."""
    is_for_operators: bool = False
    is_for_stewards: bool = False
    """For operators, and for those who claimed an instance."""

    def current(self, shown: str) -> str:
        """Of the page at the path `shown`, as in `aria-current`: it itself, of its section, no.

        https://www.w3.org/TR/wai-aria-1.2/#aria-current
        """
        if shown == self.path:
            return "page"
        is_here = any(f"{shown}/".startswith(f"{each}/") for each in (self.path, *self.also))
        return "true" if is_here else ""


NAVIGATION = (
    Entry(
        label="Instances",
        path="/instances",
        also=("/provision", "/link", "/claim"),
        is_for_stewards=True,
    ),
    Entry(label="Apps", path="/apps", also=("/assign", "/databases")),
    Entry(label="Audit", path="/audit", is_for_operators=True),
    Entry(label="GitHub", path="/setup", is_for_operators=True),
)
_API = Entry(label="API", path="/api")
_TOKENS = Entry(label="Tokens", path="/tokens")


def init_app(app: Flask) -> None:
    """Give templates their words."""
    versions = {file.name: _version(file) for file in STATIC.iterdir() if file.is_file()}

    def static_url(name: str) -> str:
        """A file of ours; its address changes with it, so that browsers may keep it."""
        return url_for("static", filename=name, v=versions[name])

    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = STATIC_SECONDS
    app.jinja_env.globals |= {
        "static_url": static_url,
        "frozen_advice": FROZEN_ADVICE,
        "usual_connections": USUAL,
        "migrated_by": MIGRATED_BY,
        "terms": trace_terms,
        "Change": Change,
        "Manage": Manage,
    }
    app.jinja_env.filters |= {
        "advice": advice_on_page,
        "on_page": on_page,
        "size": amounts.size,
        "duration": amounts.duration,
        "listed": amounts.listed,
        "visible": markdown.visible,
        "unbroken": unbroken,
        "marked": marked,
        "pieces": pieces,
        "ago": lambda moment: amounts.ago(moment, now=datetime.now(UTC)),
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_context)


def is_wanted() -> bool:
    """Whether the request comes from a person's browser rather than from a program."""
    if request.path.startswith(_FOR_PROGRAMS):
        return False
    return any(kind == "text/html" for kind, _ in request.accept_mimetypes)


def show_error(error: CoppiceError, *, status: int) -> ResponseReturnValue:
    """An error as a page; who is not logged in is sent there first."""
    if status == 401 and request.method == "GET":
        return redirect("/login?" + urlencode({"next": request.full_path.rstrip("?")}))
    title = _TITLES_BY_CODE.get(error.code) or _TITLES.get(status, "Something went wrong")
    page = render_template(
        "error.html", title=title, message=str(error), advice=advice_on_page(error), status=status
    )
    return page, status


def known_actor() -> Actor | None:
    """Who is logged in, for the frame of a page; None for nobody."""
    try:
        return current_actor()
    except CoppiceError:
        return None


def _context() -> dict[str, Any]:
    actor = known_actor()
    is_operator = actor is not None and actor.is_operator
    services: Services = current_app.extensions["services"]
    is_steward = is_operator or _runs_an_instance(services, actor)
    return {
        "actor": actor,
        "github_url": services.github_url,
        "public_url": services.public_url,
        "navigation": [
            _place(entry)
            for entry in NAVIGATION
            if (is_operator or not entry.is_for_operators)
            and (is_steward or not entry.is_for_stewards)
        ],
        "more": [_place(_API), _place(_TOKENS)] if actor else [_place(_API)],
    }


def _place(entry: Entry) -> dict[str, str]:
    return {"label": entry.label, "path": entry.path, "current": entry.current(request.path)}


def _runs_an_instance(services: Services, actor: Actor | None) -> bool:
    """False while the state database does not say: its error is shown in the same frame."""
    if actor is None:
        return False
    try:
        return bool(access.instances_run(services.acting_as(actor, source="")))
    except CoppiceError:
        return False


def _version(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
