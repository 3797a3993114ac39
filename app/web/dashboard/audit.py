"""The audit trail: who did what, when, from where."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.core.audit import words_of
from app.core.people import Oversee
from app.operations import access
from app.web.dashboard import fields
from app.web.identity import acting

pages = Blueprint("audit", __name__)

SHOWN = 50


@pages.get("/audit")
def index() -> ResponseReturnValue:
    services = access.service(acting(), Oversee).subject
    query = request.args.get("q", "").replace("\0", "").strip()
    before = fields.cursor("before")
    entries = services.store.audit.latest(limit=SHOWN + 1, before=before, containing=query)
    return render_template(
        "audit.html",
        entries=entries[:SHOWN],
        older=entries[SHOWN - 1].id if len(entries) > SHOWN else None,
        query=query,
        words_of=words_of,
        is_first=before is None,
    )
