import base64
import json
from pathlib import Path
from typing import Any

import pytest

from action.identity import is_fork, lifetime_seconds


def token(claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"head.{payload}.signature"


def test_a_tokens_lifetime_is_read_from_its_claims() -> None:
    assert lifetime_seconds(token({"iat": 1000, "exp": 1300})) == 300


@pytest.mark.parametrize(
    "odd",
    [
        "opaque",
        "a.b.c",
        "a.é.c",
        token([]),
        token({"exp": 1300}),
        token({"iat": 1300, "exp": 1000}),
        token({"iat": "x", "exp": None}),
        token({"iat": 0, "exp": 10**12}),
        "a." + base64.urlsafe_b64encode(b'{"iat":0,"exp":NaN}').decode() + ".c",
    ],
)
def test_an_unreadable_token_is_renewed_soon(odd: str) -> None:
    assert lifetime_seconds(odd) == 120


def event(tmp_path: Path, content: Any) -> Path:
    file = tmp_path / "event.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def pull_request(head: Any, base: Any) -> dict[str, Any]:
    return {"pull_request": {"head": head, "base": base}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (pull_request({"repo": {"id": 2}}, {"repo": {"id": 1}}), True),
        (pull_request({"repo": None}, {"repo": {"id": 1}}), True),
        (pull_request({"repo": {"id": 1}}, {"repo": {"id": 1}}), False),
        (pull_request({"ref": "x"}, {"ref": "main"}), False),
        ({"ref": "refs/heads/main"}, False),
        ({"pull_request": "x"}, False),
        ([], False),
        ("not JSON", False),
    ],
)
def test_a_fork_is_known_by_its_repositorys_number(
    tmp_path: Path, content: Any, expected: bool
) -> None:
    assert is_fork(event(tmp_path, content)) is expected


def test_without_an_event_nothing_is_a_fork(tmp_path: Path) -> None:
    assert not is_fork(None)
    assert not is_fork(tmp_path / "missing")
