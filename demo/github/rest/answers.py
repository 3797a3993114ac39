"""Answers in GitHub's way: errors, and lists in pages with a Link header."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, jsonify, request

T = TypeVar("T")


class Refused(Exception):
    """GitHub's error answer."""

    def __init__(self, status: int, message: str, *, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


def refused(error: Refused) -> Response:
    """Turn Refused into the JSON that GitHub sends."""
    body: dict[str, Any] = {
        "message": error.message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(error.status),
    }
    if error.errors is not None:
        body["errors"] = error.errors
    answer = jsonify(body)
    answer.status_code = error.status
    return answer


def invalid(resource: str, field: str, message: str) -> Refused:
    """422 as GitHub words it."""
    detail = {"resource": resource, "field": field, "code": "custom", "message": message}
    return Refused(422, f"Validation Failed: {message}", errors=[detail])


def not_found() -> Refused:
    return Refused(404, "Not Found")


def page(
    records: Sequence[T],
    to_json: Callable[[T], Any],
    *,
    key: str | None = None,
    public_url: str,
) -> Response:
    """One page: 30 records unless asked, at most 100; `key` wraps the list with a total."""
    size = max(1, min(_number("per_page", 30), 100))
    number = max(1, _number("page", 1))
    last = max(1, -(-len(records) // size))
    shown = [to_json(record) for record in records[(number - 1) * size : number * size]]
    answer = jsonify(shown if key is None else {"total_count": len(records), key: shown})
    links = {}
    if number < last:
        links = {"next": number + 1, "last": last}
    if number > 1:
        links |= {"prev": number - 1, "first": 1}
    if links:
        parts = [f'<{_page_url(public_url, n)}>; rel="{name}"' for name, n in links.items()]
        answer.headers["Link"] = ", ".join(parts)
    return answer


def _number(name: str, default: int) -> int:
    try:
        return int(request.args.get(name, default))
    except ValueError:
        return default


def _page_url(public_url: str, number: int) -> str:
    query = urlencode({**request.args.to_dict(), "page": str(number)})
    environ = request.environ
    return f"{public_url}{environ['github.prefix']}{environ['github.path']}?{query}"
