"""GitHub's own published description of its API, to hold requests, answers and events to.

It comes as the npm package `@octokit/openapi`; without it nothing is checked.
"""

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft4Validator, ValidationError, validators
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from demo.github.model import Json

_PACKAGE = "build/octokit/node_modules/@octokit/openapi/generated/api.github.com.json"
_DOCUMENT = "urn:github"
_METHODS = ("get", "post", "patch", "put", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    path: re.Pattern[str]
    method: str
    pointer: str
    """Where it stands in the document, as a JSON pointer."""
    content: Json
    literal_parts: int


class Description:
    """Finds what is wrong with messages. Made once: use `find`."""

    def __init__(self, document: Json) -> None:
        self._document = document
        resource = DRAFT4.create_resource(document)
        self._registry: Registry[Json] = Registry().with_resource(_DOCUMENT, resource)
        self._operations = sorted(
            _operations(document), key=lambda each: each.literal_parts, reverse=True
        )

    def problems_of_request(self, method: str, target: str, body: bytes) -> list[str]:
        """What GitHub would not understand in a request; `target` is path and query."""
        path, _, query = target.partition("?")
        operation = self._find(method, path)
        if operation is None:
            return [f"{method} {path}: GitHub has no such endpoint"]
        problems = [
            *self._problems_of_query(operation, dict(parse_qsl(query, keep_blank_values=True))),
            *self._problems_of_body(operation, body),
        ]
        return [f"{method} {path}: {problem}" for problem in problems]

    def problems_of_answer(self, method: str, target: str, status: int, data: Any) -> list[str]:
        """Where a JSON answer is not what GitHub promises."""
        operation = self._find(method, target.partition("?")[0])
        if operation is None or str(status) not in operation.content["responses"]:
            return [f"{method} {target}: status {status} is not described"]
        pointer = f"{operation.pointer}/responses/{status}"
        return self._problems(data, f"{pointer}/content/application~1json/schema")

    def problems_of_event(self, event: str, payload: Json) -> list[str]:
        """Where a webhook's payload is not what GitHub promises."""
        names = [event, f"{event}-{payload.get('action')}".replace("_", "-")]
        names.append(event.replace("_", "-"))
        name = next((each for each in names if each in self._document["x-webhooks"]), None)
        if name is None:
            return [f"{names[1]}: GitHub has no such event"]
        place = f"/x-webhooks/{name}/post/requestBody/content/application~1json/schema"
        return [f"{name}: {problem}" for problem in self._problems(payload, place)]

    def _find(self, method: str, path: str) -> _Operation | None:
        for operation in self._operations:
            if operation.method == method.lower() and operation.path.fullmatch(path):
                return operation
        return None

    def _problems_of_query(self, operation: _Operation, query: dict[str, str]) -> Iterator[str]:
        known = {}
        for each in operation.content.get("parameters", []):
            parameter = self._resolve(each)
            if parameter["in"] == "query":
                known[parameter["name"]] = parameter
        for name, value in query.items():
            if name not in known:
                yield f"there is no query parameter {name}"
            elif problem := _problem_of_text(value, known[name]["schema"]):
                yield f"{name}: {problem}"
        for name, parameter in known.items():
            if parameter.get("required") and name not in query:
                yield f"the query parameter {name} is missing"

    def _problems_of_body(self, operation: _Operation, body: bytes) -> Iterator[str]:
        described = operation.content.get("requestBody")
        if not body:
            if described and described.get("required"):
                yield "the body is missing"
            return
        if described is None:
            yield "there must be no body"
            return
        try:
            data = json.loads(body)
        except ValueError:
            yield "the body is not JSON"
            return
        place = f"{operation.pointer}/requestBody/content/application~1json/schema"
        yield from self._problems(data, place)
        yield from self._unknown_fields(data, place)

    def _unknown_fields(self, data: Any, place: str) -> Iterator[str]:
        """GitHub ignores them, which hides mistakes; a schema of variants names fields in each."""
        schema = self._at(place)
        variants = [schema, *schema.get("oneOf", []), *schema.get("anyOf", [])]
        known = {name for each in variants for name in self._resolve(each).get("properties", {})}
        if isinstance(data, dict) and known:
            yield from (f"there is no field {name}" for name in data if name not in known)

    def _problems(self, data: Any, place: str) -> list[str]:
        schema = {"$ref": f"{_DOCUMENT}#{place}"}
        validator = _Validator(schema, registry=self._registry)
        return [
            f"{'.'.join(str(part) for part in error.absolute_path)}: {error.message[:300]}"
            for error in validator.iter_errors(data)
        ]

    def _resolve(self, schema: Json) -> Json:
        return self._at(schema["$ref"][1:]) if "$ref" in schema else schema

    def _at(self, pointer: str) -> Json:
        found: Any = self._document
        for part in pointer.split("/")[1:]:
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found  # type: ignore[no-any-return]


def find(root: Path | None = None) -> Description | None:
    """The description below a checkout of this repository, or None when it is not installed."""
    path = (root or Path(__file__).parents[2]) / _PACKAGE
    return _load(path) if path.exists() else None


@functools.cache
def _load(path: Path) -> Description:
    return Description(json.loads(path.read_bytes()))


def _operations(document: Json) -> Iterator[_Operation]:
    for path, methods in document["paths"].items():
        pieces = re.split(r"(\{\w+\})", path)
        pattern = "".join("[^/]+" if each[:1] == "{" else re.escape(each) for each in pieces)
        escaped = path.replace("~", "~0").replace("/", "~1")
        for method in _METHODS:
            if method in methods:
                yield _Operation(
                    path=re.compile(pattern),
                    method=method,
                    pointer=f"/paths/{escaped}/{method}",
                    content=methods[method],
                    literal_parts=sum("{" not in part for part in path.split("/")),
                )


def _problem_of_text(value: str, schema: Json) -> str | None:
    if schema.get("type") == "integer" and not re.fullmatch(r"-?\d+", value):
        return f"{value!r} is not a number"
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is not one of {schema['enum']}"
    return None


def _nullable(keyword: str) -> Any:
    """OpenAPI 3.0's `nullable` lets null pass, whatever else the schema says."""
    inner = Draft4Validator.VALIDATORS[keyword]

    def check(
        validator: Validator, value: Any, instance: Any, schema: Json
    ) -> Iterator[ValidationError]:
        if not (instance is None and schema.get("nullable")):
            yield from inner(validator, value, instance, schema) or ()

    return check


_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft4Validator,
    {name: _nullable(name) for name in ("type", "enum", "allOf", "anyOf", "oneOf")},
)
