"""The API's description of itself: OpenAPI 3.1, and the same as a page to read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from app.web.marked import marked

INFO = Info(
    title="Coppice",
    version="1",
    description=(
        "PostgreSQL databases for the branches of GitHub repositories. Errors are JSON: a stable"
        " code in `error`, a sentence in `message`, and in `advice` what to do next. What one may"
        " not see is answered 404. Lists that grow take `limit` and `cursor`; `next` of an answer"
        " is the cursor of what follows."
    ),
)
SECURITY_SCHEMES: dict[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "A token that begins with `coppice_`, made here, with `coppice tokens create` or"
            " `coppice login`; it acts as its maker, or may less. Or the admin token of"
            " the service, which acts as an operator."
        ),
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "coppice",
        "description": "The dashboard's own session. What changes something also needs its token"
        " against forgery, so programs use a bearer token.",
    },
    "job": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The OIDC token of a GitHub Actions job, with this service as audience.",
    },
}

pages = Blueprint("description", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path, for the page."""

    method: str
    path: str
    summary: str
    detail: str
    parameters: tuple[Mapping[str, Any], ...]
    body: str
    """Name of its schema, or nothing."""
    answers: tuple[tuple[str, str, str], ...]
    """Status, what it means, name of its schema; errors are alike everywhere and left out."""
    who: str


@pages.get("/api/openapi.json")
def openapi() -> ResponseReturnValue:
    """The description for programs; anybody may read it."""
    return cast(OpenAPI, current_app).api_doc


@pages.get("/api")
def page() -> ResponseReturnValue:
    """The description for people."""
    document = cast(OpenAPI, current_app).api_doc
    groups = [
        (tag, [one for name, one in _operations(document) if name == tag["name"]])
        for tag in document["tags"]
    ]
    return render_template(
        "api.html",
        info=document["info"],
        schemes=document["components"]["securitySchemes"],
        groups=groups,
        schemas=sorted(document["components"]["schemas"].items()),
        words=_words,
        marked=marked,
    )


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield operation["tags"][0], _operation(method, path, operation)


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Operation:
    content = operation.get("requestBody", {}).get("content", {})
    return Operation(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        detail=operation.get("description", "").replace("<br/>", " ").strip(),
        parameters=tuple(operation.get("parameters", ())),
        body=_schema_name(content),
        answers=tuple(
            (status, answer["description"], _schema_name(answer.get("content", {})))
            for status, answer in sorted(operation["responses"].items())
            if status < "400"
        ),
        who=" or ".join(name for one in operation.get("security", []) for name in one) or "anybody",
    )


def _schema_name(content: Mapping[str, Any]) -> str:
    for kind in content.values():
        reference: str = kind["schema"].get("$ref", "")
        return reference.rpartition("/")[2]
    return ""


def _words(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, for a cell of a table."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_words(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_words(schema.get('items', {}))}"
    return {"null": "nothing"}.get(kind, str(schema.get("format", kind)))
