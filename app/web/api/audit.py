"""The API for the audit trail."""

from datetime import datetime
from typing import Any

from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from app.core.people import Oversee
from app.operations import access
from app.web.api.shapes import ERRORS, PERSON, Page, Part, Shown, Text, cut
from app.web.identity import acting

api = Part(
    "audit",
    __name__,
    url_prefix="/api/v1/audit",
    abp_tags=[Tag(name="audit", description="Who did what, when and from where")],
    abp_security=PERSON,
    abp_responses=ERRORS,
)


class AuditEntryShown(Shown):
    """One thing that somebody did."""

    id: int
    at: datetime
    actor: str
    action: str = Field(description="A stable name, as in `databases reset`")
    subject: str
    detail: str
    source: str


class AuditPage(BaseModel):
    """The newest first; `next` is the cursor of older ones."""

    items: list[AuditEntryShown]
    next: int | None


class WhichEntries(Page):
    """Which entries to list."""

    q: Text | None = Field(
        None, max_length=200, description="Only those that hold this somewhere, in any case"
    )


@api.get("", responses={200: AuditPage})
def list_(query: WhichEntries) -> dict[str, Any]:
    """List what was done, for operators."""
    services = access.service(acting(), Oversee).subject
    found = services.store.audit.latest(
        limit=query.limit + 1, before=query.cursor, containing=query.q or ""
    )
    shown, following = cut(found, query, id_of=lambda entry: entry.id)
    return AuditPage(
        items=[AuditEntryShown.of(entry) for entry in shown], next=following
    ).model_dump(mode="json")
