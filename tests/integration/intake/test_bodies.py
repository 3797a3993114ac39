"""Whatever a signed body holds, the answer is 202 or 400, and the next delivery is taken in."""

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from tests.integration.intake.deliveries import PUSH, Stored, encoded, headers

PATH = "/webhooks/github"
TEXT = encoded().decode()

ODD: list[Any] = [None, True, 0, 1.5, "", "\0", [], {}, [None]]

NO_JSON_OBJECT = {
    "empty": b"",
    "not JSON": b"ref=refs/heads/x",
    "a form": urlencode({"payload": TEXT}).encode(),
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without its mark": TEXT.encode("utf-16-le"),
    "UTF-8 with a byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "invalid UTF-8": TEXT.replace("feature", "\u00e9").encode("latin-1"),
    "NaN": encoded(size=float("nan")),
    "Infinity": encoded(size=float("inf")),
    "a key twice": TEXT.replace('"ref":', '"ref": "refs/heads/main", "ref":').encode(),
    "an inner key twice": TEXT.replace('"id": 42', '"id": 42, "id": 43').encode(),
    "200,000 lists in each other": b"[" * 200_000 + b"]" * 200_000,
    "200,000 objects in each other": b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    "a number of 5,000 digits": TEXT.replace("42", "4" * 5000).encode(),
    "cut": TEXT.encode()[:-1],
    "two objects": TEXT.encode() * 2,
}

MALFORMED = {
    "NUL in the ref": {"ref": "refs/heads/a\0b"},
    "a lone surrogate in the ref": {"ref": "refs/heads/\ud800"},
    "a ref of a megabyte": {"ref": "refs/heads/" + "x" * 1_000_000},
    "no ref": {"ref": None},
    "a ref that is a list": {"ref": ["refs/heads/x"]},
    "an id beyond 64 bits": {"repository": {**PUSH["repository"], "id": 2**70}},
    "an id of true": {"repository": {**PUSH["repository"], "id": True}},
    "an id of 1.0": {"repository": {**PUSH["repository"], "id": 1.0}},
    "an id in quotes": {"repository": {**PUSH["repository"], "id": "42"}},
    "a negative id": {"repository": {**PUSH["repository"], "id": -1}},
    "no repository": {"repository": None},
    "no owner": {"repository": {**PUSH["repository"], "owner": None}},
}


@pytest.mark.parametrize("body", NO_JSON_OBJECT.values(), ids=NO_JSON_OBJECT.keys())
def test_a_signed_body_that_is_no_json_object_is_refused(
    body: bytes, client: FlaskClient, stored: Stored
) -> None:
    answer = client.post(PATH, data=body, headers=headers(body))

    assert answer.status_code == 400
    assert answer.json
    assert answer.json["error"] == "malformed_payload"
    assert stored.outcomes() == {}


@pytest.mark.parametrize("changes", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_payload_without_what_its_event_needs_is_refused(
    changes: dict[str, Any], client: FlaskClient, stored: Stored
) -> None:
    body = encoded(**changes)

    answer = client.post(PATH, data=body, headers=headers(body))

    assert answer.status_code == 400
    assert stored.outcomes() == {}


@pytest.mark.parametrize("action", ["\0", "\ud800", "x" * 10_000, 1, ["a"], {"a": 1}, True])
def test_an_odd_action_is_ignored(action: object, client: FlaskClient, stored: Stored) -> None:
    body = encoded(action=action)

    answer = client.post(PATH, data=body, headers=headers(body, event="issues"))

    assert answer.status_code == 202
    assert list(stored.outcomes().values()) == ["ignored"]


def test_no_key_whose_absence_or_oddity_is_a_bug(client: FlaskClient) -> None:
    statuses = set()
    for payload in variations(copy.deepcopy(dict(PUSH))):
        body = json.dumps(payload).encode()
        statuses.add(client.post(PATH, data=body, headers=headers(body)).status_code)

    assert statuses == {202, 400}


@pytest.mark.parametrize(
    "ref", ["refs/tags/v1", "refs/notes/commits", "refs/heads/", "refs/pull/1/merge", "main"]
)
def test_what_is_no_branch_is_ignored(ref: str, client: FlaskClient, stored: Stored) -> None:
    body = encoded(ref=ref)

    answer = client.post(PATH, data=body, headers=headers(body))

    assert answer.status_code == 202
    assert stored.jobs() == []


@pytest.mark.parametrize(
    "branch", ["a..b", "a\u0007", "a b", "a.lock", ".a", "a\ufffd", "@", "a~1", "a//b"]
)
def test_a_branch_that_git_cannot_hold_is_ignored(
    branch: str, client: FlaskClient, stored: Stored
) -> None:
    body = encoded(ref=f"refs/heads/{branch}")

    answer = client.post(PATH, data=body, headers=headers(body))

    assert answer.status_code == 202
    assert stored.jobs() == []


@pytest.mark.parametrize("name", ["X-GitHub-Delivery", "X-GitHub-Event"])
@pytest.mark.parametrize("value", [None, "", "x" * 101, "\u00e9", "a\tb"])
def test_headers_that_github_never_sends_are_refused(
    name: str, value: str | None, client: FlaskClient, stored: Stored
) -> None:
    body = encoded()
    sent = {key: each for key, each in headers(body).items() if key != name}
    if value is not None:
        sent[name] = value

    answer = client.post(PATH, data=body, headers=sent)

    assert answer.status_code == 400
    assert stored.outcomes() == {}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_compressed_body_is_refused_unread(encoding: str, client: FlaskClient) -> None:
    body = encoded()

    answer = client.post(PATH, data=body, headers={**headers(body), "Content-Encoding": encoding})

    assert answer.status_code == 415


def variations(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The payload with each key taken away, and with other things in its place."""
    for key in list(payload):
        value = payload[key]
        yield {name: each for name, each in payload.items() if name != key}
        for odd in ODD:
            yield {**payload, key: odd}
        if isinstance(value, dict):
            for inner in variations(value):
                yield {**payload, key: inner}


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/runs/1/databases/preview/result"])
@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"step":' * 100_000])
def test_what_the_api_is_sent_may_not_be_nested_too_deep(
    client: FlaskClient, path: str, body: bytes
) -> None:
    answer = client.post(path, data=body, content_type="application/json")

    assert answer.status_code == 400


def test_what_the_api_is_sent_may_not_be_as_large_as_a_delivery(client: FlaskClient) -> None:
    answer = client.post("/api/v1/runs", data=b"x" * (9 * 1024 * 1024))

    assert answer.status_code == 413
