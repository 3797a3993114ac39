"""Commands: the whole table of who may have what done, row by row."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.commands import (
    Ruling,
    Situation,
    Verb,
    Verdict,
    decide_command,
    parse_command,
)
from app.core.environments import Environment
from app.core.events import CommandGiven
from app.core.payloads import parse_event
from app.core.people import ROLES, Change
from app.core.reasons import FORK, IGNORED_BRANCH, ITS_PRODUCTION, Unreached
from tests.unit.comments import COMMENT, changed

TABLE = list(
    csv.DictReader((Path(__file__).parent / "data/authz_commands.csv").read_text().splitlines())
)
BY_ID = {row["id"]: row for row in TABLE}

# What the adapter makes of GitHub's 404 for an account that is no user.
NO_USER = "none"
OWN = Situation(permission="write", is_private=True)

# Rows that say more than a permission, as situations.
CONTEXTS = {
    "head branch is protected": replace(OWN, is_protected=True),
    "head branch is the default branch": replace(OWN, unreached=ITS_PRODUCTION.of("main")),
    "fork PR": replace(OWN, unreached=FORK),
    "PR closed or merged": replace(OWN, is_open=False),
    "branch deleted and re-created between comment and worker": replace(
        OWN, is_same_database=False
    ),
    "private repo": OWN,
    "public repo": replace(OWN, is_private=False),
}
RESULTS = {
    "run": Verdict.RUN,
    "refuse": Verdict.REFUSE,
    "ignore silently": Verdict.SILENT,
}
# Never get as far as a decision: test_comments_that_are_no_command_ask_for_nothing.
BY_PAYLOAD = {"C21", "C22", "C23", "C24", "C25"}
BY_GRAMMAR = {"C18", "C26", "C34"}
# About more than one moment; told with real parts in tests/integration/pull_requests.
BY_STORY = {"C08", "C27", "C28", "C30", "C31", "C32"}
DECIDED = [row for row in TABLE if row["id"] not in BY_PAYLOAD | BY_GRAMMAR | BY_STORY]


def situation_of(row: dict[str, str]) -> Situation:
    words = row["permission (live API)"]
    permission = NO_USER if words == "404 not a user" else words
    assert permission in ROLES, words
    return replace(CONTEXTS.get(row["context"], OWN), permission=permission)


def verb_of(row: dict[str, str]) -> Verb:
    buttons = {
        "check_run requested_action fix": Verb.FIX,
        "check_run rerequested": Verb.MIGRATE,
    }
    verb = buttons.get(row["command"]) or parse_command(row["command"])
    assert verb is not None, row["command"]
    return verb


@pytest.mark.parametrize("row", DECIDED, ids=[row["id"] for row in DECIDED])
def test_a_row_of_the_table(row: dict[str, str]) -> None:
    ruling = decide_command(verb_of(row), situation_of(row))

    assert ruling.verdict is RESULTS[row["result"]]
    assert bool(ruling.why) == (ruling.verdict is Verdict.REFUSE)


def test_every_row_is_decided_somewhere() -> None:
    named = BY_PAYLOAD | BY_GRAMMAR | BY_STORY | {row["id"] for row in DECIDED}

    assert named == set(BY_ID)
    assert len(TABLE) == 40


# --- who may ask ---------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [Verb.URL, Verb.FIX, Verb.RESET, Verb.MIGRATE, Verb.HELP])
@pytest.mark.parametrize("permission", ["none", "read", "triage", "push", "Admin", ""])
def test_less_than_write_hears_nothing(verb: Verb, permission: str) -> None:
    for situation in (OWN, *CONTEXTS.values()):
        ruling = decide_command(verb, replace(situation, permission=permission))

        assert ruling.verdict is Verdict.SILENT


@pytest.mark.parametrize(
    ("permission", "is_private", "verdict"),
    [
        ("none", True, Verdict.SILENT),
        ("read", True, Verdict.RUN),
        ("read", False, Verdict.SILENT),
        ("triage", False, Verdict.RUN),
    ],
)
def test_the_state_is_for_those_whom_the_repository_knows(
    permission: str, is_private: bool, verdict: Verdict
) -> None:
    situation = Situation(permission=permission, is_private=is_private)

    assert decide_command(Verb.STATUS, situation).verdict is verdict


def test_a_reader_is_not_told_why_a_fork_has_no_state() -> None:
    of_fork = replace(OWN, unreached=FORK)

    assert (
        decide_command(Verb.STATUS, replace(of_fork, permission="read")).verdict is Verdict.SILENT
    )
    assert decide_command(Verb.STATUS, of_fork).verdict is Verdict.REFUSE


@pytest.mark.parametrize("verb", [Verb.FIX, Verb.MIGRATE])
@pytest.mark.parametrize(
    ("permission", "verdict"), [("write", Verdict.SILENT), ("maintain", Verdict.RUN)]
)
def test_a_button_that_acts_on_production_takes_a_maintainer(
    verb: Verb, permission: str, verdict: Verdict
) -> None:
    pressed = Situation(
        permission=permission,
        is_private=True,
        environments=(Environment.PREVIEW, Environment.PRODUCTION),
    )

    assert decide_command(verb, pressed).verdict is verdict


# --- what can be done ----------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [Verb.URL, Verb.FIX, Verb.RESET, Verb.MIGRATE])
@pytest.mark.parametrize("unreached", [FORK, ITS_PRODUCTION.of("main"), IGNORED_BRANCH.of("wip")])
def test_nobody_acts_on_a_head_without_a_database_of_its_own(
    verb: Verb, unreached: Unreached
) -> None:
    ruling = decide_command(verb, replace(OWN, permission="admin", unreached=unreached))

    assert ruling == Ruling(verdict=Verdict.REFUSE, why=unreached.markdown)


@pytest.mark.parametrize(
    ("verb", "verdict"),
    [
        (Verb.STATUS, Verdict.RUN),
        (Verb.HELP, Verdict.RUN),
        (Verb.URL, Verdict.REFUSE),
        (Verb.FIX, Verdict.REFUSE),
        (Verb.MIGRATE, Verdict.REFUSE),
    ],
)
def test_a_closed_pull_request_may_be_looked_at(verb: Verb, verdict: Verdict) -> None:
    assert decide_command(verb, replace(OWN, is_open=False)).verdict is verdict


@pytest.mark.parametrize("verb", [Verb.URL, Verb.RESET])
def test_what_is_not_there_is_neither_shown_nor_emptied(verb: Verb) -> None:
    assert decide_command(verb, replace(OWN, has_database=False)).verdict is Verdict.REFUSE


def test_a_missing_database_can_be_made() -> None:
    ruling = decide_command(Verb.FIX, replace(OWN, has_database=False))

    assert ruling == Ruling(verdict=Verdict.RUN, act=Change)


def test_a_protected_branch_may_still_be_fixed_and_migrated_by_writers() -> None:
    protected = replace(OWN, is_protected=True)

    assert decide_command(Verb.FIX, protected).verdict is Verdict.RUN
    assert decide_command(Verb.MIGRATE, protected).verdict is Verdict.RUN


# --- the grammar ---------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.UNKNOWN])
@pytest.mark.parametrize("ending", ["", " ", "   ", "\r\n", "  \r\nplease", "\n\nwhy: it is odd"])
def test_a_command_stands_alone_on_the_first_line(verb: Verb, ending: str) -> None:
    assert parse_command(f"/db {verb}{ending}") is verb


@pytest.mark.parametrize(
    "body",
    [
        "",
        "/",
        "/d",
        " /db reset",
        "\t/db reset",
        "> /db reset",
        "`/db reset`",
        "```\n/db reset\n```",
        "<!-- /db reset -->",
        "<!--\n/db reset\n-->",
        "please\n/db reset",
        "\n/db reset",
        "\ufeff/db reset",
        "/dbreset",
        "/db-reset",
        "/db/reset",
        "/db.py is broken",
        "/dbs reset",
        "\u202e/db reset",
        "\\/db reset",
    ],
)
def test_other_text_is_no_command(body: str) -> None:
    assert parse_command(body) is None


@pytest.mark.parametrize(
    "body",
    [
        "/db",
        "/db ",
        "/db  reset",
        "/db\treset",
        "/db\u00a0reset",
        "/db Reset",
        "/DB RESET",
        "/Db reset",
        "/Db",
        "/db reset production",
        "/db url production",
        "/db reset --force",
        "/db reset;id",
        "/db reset\u202e",
        "/db reset\u200b",
        "/db reset\u2028please",
        "/db reset\v",
        "/db reset\rplease",
        "/db rëset",
        "/db unknown",
        "/db drop",
        "/db: help",
    ],
)
def test_an_attempt_at_a_command_is_never_one(body: str) -> None:
    assert parse_command(body) is Verb.UNKNOWN
    assert decide_command(Verb.UNKNOWN, OWN).verdict is Verdict.REFUSE
    assert decide_command(Verb.UNKNOWN, replace(OWN, permission="triage")) == Ruling(
        verdict=Verdict.SILENT
    )


@given(st.text())
def test_only_the_exact_words_are_a_command(text: str) -> None:
    verb = parse_command(text)

    if verb is not None and verb is not Verb.UNKNOWN:
        assert text.partition("\n")[0].rstrip(" \r") == f"/db {verb}"


@given(st.text(alphabet="/db restuliny\n\r> `"))
def test_only_the_exact_words_are_a_command_in_texts_that_are_close(text: str) -> None:
    test_only_the_exact_words_are_a_command.hypothesis.inner_test(text)  # type: ignore[attr-defined]


# --- the event -----------------------------------------------------------------------------------


def test_a_comment_with_a_command_is_an_event() -> None:
    event = parse_event("issue_comment", COMMENT)

    assert isinstance(event, CommandGiven)
    assert (event.verb, event.number, event.comment_id) == (Verb.RESET, 5, 77)
    assert (event.sender_id, event.sender_login) == (9, "mona")


@pytest.mark.parametrize(
    "changes",
    [
        {"issue.pull_request": None},
        {"action": "edited"},
        {"action": "deleted"},
        {"sender.id": 10},
        {"comment.user.id": 10},
        {"comment.user": None},
        {"sender.type": "Bot"},
        {"comment.user.type": "Bot"},
        {"sender.type": "Organization"},
        {"sender.type": "Mannequin"},
        {"comment.performed_via_github_app": {"id": 3}},
        {"comment.body": "> /db reset"},
        {"comment.body": "Nice.\n/db reset"},
        {"comment.body": None},
        {"comment.body": "x" * 60_000},
    ],
    ids=str,
)
def test_comments_that_are_no_command_ask_for_nothing(changes: dict[str, object]) -> None:
    assert parse_event("issue_comment", changed(COMMENT, changes)) is None
