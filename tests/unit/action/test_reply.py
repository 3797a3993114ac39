import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action import reply
from action.credentials import InvalidReply
from action.reply import Granted, NoDatabase, Passed, Planned, Run
from tests.unit.action.examples import go_reply

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
BRANCH = Planned(environment="branch", database="3ba03b--x")
TEMPLATE = {"environment": "template", "database": "3ba03b-template-2"}
OTHERS_TEMPLATE = {"environment": "template", "database": "0ther-template-2"}


def run_reply(**changes: Any) -> dict[str, Any]:
    body = {
        "result": "run",
        "run": 17,
        "app": "3ba03b",
        "command": "true",
        "command_source": "workflow",
        "seed_command": "",
        "primary": "branch",
        "databases": [
            {"environment": "branch", "database": "3ba03b--x"},
            {"environment": "preview", "database": "3ba03b-preview"},
        ],
        "url": "https://coppice.example.com/apps/3ba03b/runs/17",
    }
    return body | changes


def test_a_run_names_its_databases_in_order() -> None:
    run = reply.run_in(run_reply(), migrates=True)

    assert isinstance(run, Run)
    assert [planned.environment for planned in run.databases] == ["branch", "preview"]
    assert run.primary_database == BRANCH


def test_a_service_that_names_no_page_is_older() -> None:
    body = run_reply()
    del body["url"]

    run = reply.run_in(body, migrates=True)

    assert isinstance(run, Run)
    assert run.url == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"result": "maybe"},
        {"run": "17"},
        {"run": 0},
        {"run": True},
        {"run": 2**80},
        {"app": "../x"},
        {"command": None},
        {"command": "a\0b"},
        {"seed_command": None},
        {"seed_command": "a\0b"},
        {"url": None},
        {"url": "javascript:alert(1)"},
        {"url": "https://a.example/x) [b](https://c.example"},
        {"url": "https://a.example/\nx"},
        {"primary": "production"},
        {"primary": "staging"},
        {"databases": []},
        {"databases": "all"},
        {"databases": [["branch", "3ba03b--x"]]},
        {"databases": [{"environment": "branch", "database": "other--x"}]},
        {"databases": [{"environment": "branch", "database": "3ba03b--x\n"}]},
        {"databases": [{"environment": "dev", "database": "3ba03b-dev"}]},
        {"databases": [{"environment": "branch", "database": "3ba03b--x"}] * 2},
        {"databases": [TEMPLATE]},
        {"databases": [TEMPLATE, {"environment": "branch", "database": "3ba03b--x"}]},
        {"databases": [{"environment": "branch", "database": "3ba03b--x"}, OTHERS_TEMPLATE]},
    ],
)
def test_a_malformed_run_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidReply):
        reply.run_in(run_reply(**changes), migrates=True, may_build=True)


@pytest.mark.parametrize(("migrates", "may_build"), [(True, True), (True, False), (False, True)])
def test_a_template_stands_behind_the_databases_of_a_run_that_wants_it(
    migrates: bool, may_build: bool
) -> None:
    body = run_reply(databases=[{"environment": "branch", "database": "3ba03b--x"}, TEMPLATE])

    if migrates and may_build:
        run = reply.run_in(body, migrates=True, may_build=True)
        assert isinstance(run, Run)
        assert (run.databases, run.template) == ((BRANCH,), Planned(**TEMPLATE))
    else:
        with pytest.raises(InvalidReply, match="template"):
            reply.run_in(body, migrates=migrates, may_build=may_build)


def test_a_revision_without_a_database_says_why() -> None:
    body = {"result": "skipped", "reason": "tag", "message": "A tag.\n::error::x", "advice": "So."}

    assert reply.run_in(body, migrates=True) == NoDatabase(
        reason="tag", message="A tag. ::error::x", advice="So."
    )


def test_a_turn_hands_out_the_planned_database() -> None:
    turn = reply.turn_in(go_reply(), planned=BRANCH, migrates=True)

    assert isinstance(turn, Granted)
    assert turn.lease_seconds == 60


def test_a_turn_without_a_migration_needs_no_lease() -> None:
    turn = reply.turn_in(go_reply(lease_seconds=None), planned=BRANCH, migrates=False)

    assert isinstance(turn, Granted)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": None},
        {"key": f"-----BEGIN PRIVATE KEY-----\n{'k' * 77}\n-----END PRIVATE KEY-----\n"},
        {"key": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"ca": "/etc/passwd"},
        {"certificate": "-----BEGIN CERTIFICATE-----\nAA%0A\n-----END CERTIFICATE-----\n"},
    ],
)
def test_a_malformed_certificate_for_the_trace_is_refused(changes: dict[str, Any]) -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    key = "-----BEGIN PRIVATE KEY-----\nsecret12\nsecret34\n-----END PRIVATE KEY-----\n"
    body = {"ca": certificate, "certificate": certificate, "key": key}

    turn = reply.turn_in(go_reply(loopback=body), planned=BRANCH, migrates=True)

    assert isinstance(turn, Granted)
    assert turn.secrets[-1] == "secret12\nsecret34"
    assert "secret" not in repr(turn)
    with pytest.raises(InvalidReply):
        reply.turn_in(go_reply(loopback=body | changes), planned=BRANCH, migrates=True)


def test_a_migration_needs_a_lease() -> None:
    with pytest.raises(InvalidReply, match="lease_seconds"):
        reply.turn_in(go_reply(lease_seconds=None), planned=BRANCH, migrates=True)


def test_a_superseded_database_needs_no_credentials() -> None:
    body = {"result": "superseded", "environment": "branch", "message": "Newer."}

    turn = reply.turn_in(body, planned=BRANCH, migrates=True)

    assert turn == Passed(result="superseded", message="Newer.")


@given(anything)
def test_no_answer_whatever_breaks_the_reader(body: Any) -> None:
    decoded: dict[str, Any] = {}
    try:
        decoded = reply.decode(json.dumps(body).encode())
        reply.run_in(decoded, migrates=True)
    except InvalidReply:
        pass
    for read in (reply.verdict_in, reply.lease_seconds_in):
        with pytest.raises(InvalidReply):
            read(decoded)


@given(st.dictionaries(st.sampled_from(sorted(go_reply())), anything))
def test_no_changed_turn_breaks_the_reader(changes: dict[str, Any]) -> None:
    try:
        turn = reply.turn_in(go_reply() | changes, planned=BRANCH, migrates=True)
    except InvalidReply:
        return

    assert isinstance(turn, Granted)
    assert turn.planned == BRANCH


@given(st.binary(max_size=50))
def test_any_bytes_make_a_refusal(body: bytes) -> None:
    refusal = reply.refusal_in(body)

    assert 0.2 <= refusal.retry_after_seconds <= 30


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        (2, 2),
        (0, 0.2),
        (-5, 0.2),
        (1e9, 30),
        ("soon", 1),
        (None, 1),
        (True, 1),
        (10**400, 30),
        (float("nan"), 0.2),
        (float("inf"), 30),
    ],
)
def test_a_pause_is_kept_within_reason(sent: object, seconds: float) -> None:
    body = json.dumps({"error": "busy", "retry_after": sent}).encode()

    assert reply.refusal_in(body).retry_after_seconds == seconds


def test_a_verdict_is_read() -> None:
    verdict = reply.verdict_in({"next": "again", "fails": False, "message": "Rebuilt."})

    assert (verdict.again, verdict.fails, verdict.message) == (True, False, "Rebuilt.")


@pytest.mark.parametrize(
    ("sent", "summary"),
    [
        ("| a |\n|---|\n", "| a |\n|---|"),
        ("a\x1b[31m\0\u202eb\r\n", "ab"),
        ("x" * 70_000, "x" * 60_000),
        (None, ""),
        (["a"], ""),
    ],
)
def test_a_page_for_the_summary_is_read_without_what_is_not_shown(
    sent: object, summary: str
) -> None:
    body = {"next": "done", "fails": False, "message": "", "summary": sent}

    assert reply.verdict_in(body).summary == summary


def test_a_turn_says_whether_to_seed() -> None:
    turn = reply.turn_in(go_reply(seed=True), planned=BRANCH, migrates=True, may_seed=True)

    assert isinstance(turn, Granted)
    assert turn.seeds


@pytest.mark.parametrize(
    ("seed", "migrates", "may_seed"),
    [("true", True, True), (1, True, True), (None, True, True), (True, True, False)],
)
def test_a_seed_that_is_malformed_or_has_no_command_is_refused(
    seed: object, migrates: bool, may_seed: bool
) -> None:
    with pytest.raises(InvalidReply, match="seed"):
        reply.turn_in(go_reply(seed=seed), planned=BRANCH, migrates=migrates, may_seed=may_seed)


def test_nothing_is_seeded_where_nothing_is_migrated() -> None:
    body = go_reply(seed=True, lease_seconds=None)

    with pytest.raises(InvalidReply, match="seed"):
        reply.turn_in(body, planned=BRANCH, migrates=False, may_seed=True)
