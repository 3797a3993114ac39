"""Real webhook payloads of GitHub's (npm package @octokit/webhooks-examples) as shapes."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = (
    Path(__file__).parents[3]
    / "build/octokit/node_modules/@octokit/webhooks-examples/api.github.com/index.json"
)

Shape = dict[str, set[str]]
"""Path of a field to the JSON types seen there; list elements are `[]`."""


def shapes() -> dict[str, list[Shape]]:
    """The shapes of every event's examples, by `event` or `event.action`."""
    found: dict[str, list[Shape]] = defaultdict(list)
    for event in json.loads(FILE.read_bytes()):
        for example in event["examples"]:
            found[key(event["name"], example)].append(shape(example))
    return found


def key(event: str, payload: dict[str, Any]) -> str:
    action = payload.get("action")
    return f"{event}.{action}" if action else event


def shape(payload: Any) -> Shape:
    found: Shape = defaultdict(set)
    for path, kind in _fields(payload, ""):
        found[path].add(kind)
    return found


def _fields(value: Any, path: str) -> Iterator[tuple[str, str]]:
    yield path, type(value).__name__
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _fields(inner, f"{path}.{name}")
    if isinstance(value, list):
        for inner in value:
            yield from _fields(inner, f"{path}[]")
