"""The life of a database: each event in each state, and nobody finds a namesake's data."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import lifecycle
from app.core.databases import (
    BRANCH_LIVED,
    ENDED,
    FOR_A_PERSON,
    Closing,
    Database,
    DatabaseState,
    marker_parts,
)
from app.core.environments import Environment
from app.core.identifiers import CommitSha, DatabaseId, DatabaseName
from app.core.lifecycle import Comeback, restore_or_fresh
from app.core.repositories import Ancestry
from tests.unit.databases import NOW, database

BEFORE = NOW - timedelta(days=1)
LATER = NOW + timedelta(days=7)
TOKEN = "0123456789abcdef01234567"
COMMIT = CommitSha("b" * 40)
PARENT = DatabaseId(5)
OLD_PARENT = DatabaseId(4)
ASIDE = DatabaseName("3ba03b-aside-1")
FAILURE = {"reason": "It broke.", "reason_code": "broken"}
EXCESS = {"reason": "It is large.", "reason_code": "limit_reached"}

Event = Callable[[Database], Database | None]
EVENTS: dict[str, Event] = {
    "set_up_again": partial(lifecycle.set_up_again, for_person=False, now=NOW),
    "fixed": partial(lifecycle.set_up_again, for_person=True, now=NOW),
    "afresh": partial(lifecycle.afresh, generation=7),
    "emptying": lifecycle.emptying,
    "emptied": lifecycle.emptied,
    "emptied_to_clone": partial(lifecycle.emptied, parent=PARENT),
    "cloned": partial(lifecycle.cloned, parent=PARENT),
    "not_cloned": partial(lifecycle.cloned, parent=None),
    "made": partial(lifecycle.made, generation=7, now=NOW),
    "failed": lambda one: lifecycle.failed(one, now=NOW, **FAILURE),
    "frozen": lambda one: lifecycle.frozen(one, **EXCESS),
    "thawed": lifecycle.thawed,
    "deleted": partial(lifecycle.deleted, because=Closing.BRANCH_DELETED, drop_after=LATER),
    "sealed": partial(lifecycle.sealed, generation=7),
    "discarded": partial(lifecycle.discarded, now=NOW),
    "unwanted": lifecycle.unwanted,
    "restored": partial(lifecycle.restored, now=NOW),
    "retired": partial(lifecycle.retired, name=ASIDE),
    "gone": partial(lifecycle.gone, now=NOW),
    "migrated": partial(lifecycle.migrated, head_sha=COMMIT, now=NOW),
    "branch_missing": partial(lifecycle.branch_missing, now=NOW),
    "branch_seen": lifecycle.branch_seen,
}

# For each event, what becomes of a database that is creating, ready, error, deleted, gone; nothing
# happens where a dash stands. First of one with all flags set and something in every field.
FULL = """
set_up_again      creating  creating  -         -         -
fixed             creating  creating  creating  -         -
afresh            creating  creating  creating  -         -
emptying          creating  ready     error     deleted   gone
emptied           creating  ready     error     deleted   gone
emptied_to_clone  creating  ready     error     deleted   gone
cloned            -         -         -         -         -
not_cloned        -         -         -         -         -
made              ready     -         ready     -         -
failed            error     error     error     error     -
frozen            -         error     (frozen)  -         -
thawed            -         -         creating  -         -
deleted           deleted   deleted   deleted   deleted   -
sealed            -         deleted   -         -         -
discarded         deleted   deleted   deleted   -         -
unwanted          -         -         -         deleted   -
restored          -         -         -         ready     -
retired           -         -         -         deleted   -
gone              -         -         -         gone      -
migrated          creating  ready     error     deleted   gone
branch_missing    creating  ready     error     deleted   gone
branch_seen       creating  ready     error     deleted   gone
"""
# Where it is otherwise for one with no flag and nothing in any field.
BARE = """
set_up_again      creating  creating  creating  -         -
emptying          -         -         -         -         -
emptied           -         -         -         -         -
emptied_to_clone  -         -         -         -         -
cloned            creating  ready     error     -         -
not_cloned        creating  ready     error     -         -
frozen            -         error     -         -         -
thawed            -         -         -         -         -
restored          -         -         -         creating  -
"""

NO_REASON = {"reason": None, "reason_code": None}
IN_USE = {**NO_REASON, "drop_after": None, "closed_because": None, "is_unwanted": False}
OPENED = {**IN_USE, "is_frozen": False, "opened_at": NOW}
READY = {**OPENED, "ready_at": NOW, "missing_since": None, "is_made": True}
ASIDE_AS = {**NO_REASON, "is_emptying": False, "is_unwanted": False, "is_live": False}
# What each event leaves in the fields that it is about, beside the state.
LEFT: dict[str, dict[str, Any]] = {
    "set_up_again": OPENED,
    "fixed": OPENED,
    "afresh": {
        **NO_REASON,
        "is_emptying": True,
        "is_frozen": False,
        "generation": 8,
        "marker": f"{TOKEN}00000008",
        "migrated_sha": None,
        "migrated_at": None,
    },
    "emptying": {"is_made": False},
    "emptied": {"is_emptying": False, "cloned_from": None},
    "emptied_to_clone": {"is_emptying": False, "cloned_from": PARENT},
    "cloned": {"cloned_from": PARENT},
    "not_cloned": {"cloned_from": None},
    "made": READY,
    "failed": {**IN_USE, **FAILURE},
    "frozen": {**EXCESS, "is_frozen": True},
    "thawed": {**NO_REASON, "is_frozen": False},
    "deleted": {
        **NO_REASON,
        "drop_after": LATER,
        "closed_because": Closing.BRANCH_DELETED,
        "is_emptying": False,
        "is_unwanted": False,
    },
    "sealed": {**ASIDE_AS, "drop_after": None, "closed_because": Closing.SEALED},
    "discarded": {**ASIDE_AS, "drop_after": NOW, "closed_because": Closing.FAILED},
    "unwanted": {"is_unwanted": True},
    "restored": READY,
    "retired": {"is_live": False, "name": ASIDE},
    "gone": {**OPENED, "is_made": False, "is_live": False},
    "migrated": {"migrated_sha": COMMIT, "migrated_at": NOW},
    "branch_missing": {"missing_since": BEFORE},
    "branch_seen": {"missing_since": None},
}


def bare(state: DatabaseState, **changes: Any) -> Database:
    """One of the seventh generation, with no flag and nothing in any field."""
    usual: dict[str, Any] = {
        "state": state,
        "generation": 7,
        "marker": f"{TOKEN}00000007",
        "migrated_sha": None,
        "migrated_at": None,
        "ready_at": None,
    }
    return database(**usual | changes)


def full(state: DatabaseState) -> Database:
    """The same with all flags set, and something in every field."""
    return bare(
        state,
        reason="Old.",
        reason_code="old",
        is_emptying=True,
        migrated_sha=CommitSha("a" * 40),
        migrated_at=BEFORE,
        ready_at=BEFORE,
        drop_after=BEFORE,
        missing_since=BEFORE,
        closed_because=Closing.BY_HAND,
        is_frozen=True,
        is_unwanted=True,
        opened_at=BEFORE,
        is_made=True,
        cloned_from=OLD_PARENT,
    )


def deleted(**changes: Any) -> Database:
    usual: dict[str, Any] = {"state": DatabaseState.DELETED, "drop_after": NOW + timedelta(days=1)}
    return database(**usual | changes)


def table(*texts: str) -> dict[tuple[str, DatabaseState], str]:
    """The cells of a table; those of a later one stand in for those of an earlier one."""
    lines = [line.split() for text in texts for line in text.split("\n") if line]
    return {
        (event, state): cell
        for event, *cells in lines
        for state, cell in zip(DatabaseState, cells, strict=True)
    }


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_in_each_state_leaves_a_full_row_so(event: str) -> None:
    for state in DatabaseState:
        before, cell = full(state), table(FULL)[event, state]

        after = EVENTS[event](before)

        left = dict(LEFT[event])
        if (event, state) == ("deleted", DatabaseState.DELETED):
            left["is_unwanted"] = True
        match cell:
            case "-":
                assert after is None
            case "(frozen)":
                assert after == before
            case _:
                assert after == replace(before, state=DatabaseState(cell), **left)


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_in_each_state_leaves_a_bare_row_so(event: str) -> None:
    for state in DatabaseState:
        before, cell = bare(state), table(FULL, BARE)[event, state]

        after = EVENTS[event](before)

        left = dict(LEFT[event])
        left.pop("opened_at", None)  # nothing was closed that would be opened
        if event == "restored":
            left = IN_USE
        if event == "branch_missing":
            left = {"missing_since": NOW}
        expected = None if cell == "-" else replace(before, state=DatabaseState(cell), **left)
        assert after == expected


@pytest.mark.parametrize("generation", [1, 6, 8])
@pytest.mark.parametrize("row", [full, bare])
def test_what_was_meant_for_another_generation_does_nothing(
    row: Callable[[DatabaseState], Database], generation: int
) -> None:
    for state in DatabaseState:
        assert lifecycle.made(row(state), generation=generation, now=NOW) is None
        assert lifecycle.afresh(row(state), generation=generation) is None
        assert lifecycle.sealed(row(state), generation=generation) is None


@pytest.mark.parametrize("state", DatabaseState)
def test_what_waits_for_a_person_waits(state: DatabaseState) -> None:
    codes = [None, "server_unreachable", *sorted(FOR_A_PERSON)]
    for is_frozen, is_made, code in product([False, True], [False, True], codes):
        before = bare(state, is_frozen=is_frozen, is_made=is_made, reason_code=code)
        is_lost = is_made and code in FOR_A_PERSON
        waits = state is DatabaseState.ERROR and (is_frozen or is_lost)

        by_itself = lifecycle.set_up_again(before, for_person=False, now=NOW)
        for_person = lifecycle.set_up_again(before, for_person=True, now=NOW)

        assert (by_itself is None) is (state in ENDED or waits)
        assert (for_person is None) is (state in ENDED)
        assert by_itself is None or by_itself.generation == before.generation


@pytest.mark.parametrize("is_made", [True, False])
def test_what_a_person_gives_up_as_lost_begins_again_as_another(is_made: bool) -> None:
    lost = replace(full(DatabaseState.ERROR), reason_code="database_missing", is_made=is_made)

    begun = lifecycle.set_up_again(lost, for_person=True, now=NOW)

    assert begun is not None
    assert (begun.state, begun.is_made) == (DatabaseState.CREATING, False)
    assert marker_parts(begun.marker) == (TOKEN, begun.generation) == (TOKEN, 8)
    assert (begun.migrated_sha, begun.migrated_at) == (None, None)


@pytest.mark.parametrize("because", Closing)
def test_a_branch_that_became_the_default_one_is_not_missing(because: Closing) -> None:
    closing = partial(lifecycle.deleted, because=because, drop_after=None)
    before = [full(state) for state in DatabaseState if state is not DatabaseState.GONE]

    missing = {after.missing_since for each in before if (after := closing(each))}

    assert missing == {None if because is Closing.BECAME_DEFAULT else BEFORE}


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=30))
def test_whatever_happens_a_row_makes_sense(names: list[str]) -> None:
    row = bare(DatabaseState.CREATING)
    for name in names:
        after = EVENTS[name](row)
        if after is None:
            continue
        assert after.state is DatabaseState.GONE or row.state is not DatabaseState.GONE
        assert after.generation >= row.generation
        assert row.is_live or not after.is_live
        assert marker_parts(after.marker) == (TOKEN, after.generation)
        assert (after.reason is None) is (after.state is not DatabaseState.ERROR)
        assert (after.closed_because is None) is (after.state is not DatabaseState.DELETED)
        assert after.state is DatabaseState.DELETED or not after.is_unwanted
        assert after.state in {DatabaseState.ERROR, DatabaseState.DELETED} or not after.is_frozen
        row = after


@pytest.mark.parametrize(
    ("ancestry", "comeback"),
    [
        (Ancestry.IDENTICAL, Comeback.RESTORE),
        (Ancestry.AHEAD, Comeback.RESTORE),
        (Ancestry.BEHIND, Comeback.FRESH),
        (Ancestry.DIVERGED, Comeback.FRESH),
        (Ancestry.UNKNOWN, Comeback.FRESH),
    ],
)
def test_a_branch_gets_its_data_back_only_where_it_goes_on(
    ancestry: Ancestry, comeback: Comeback
) -> None:
    assert restore_or_fresh(deleted(), ancestry=ancestry, now=NOW) is comeback


@pytest.mark.parametrize(
    "changes", [{"drop_after": NOW}, {"drop_after": None}, {"migrated_sha": None}], ids=str
)
def test_nothing_comes_back_after_its_time_or_without_a_migration(changes: dict[str, Any]) -> None:
    comeback = restore_or_fresh(deleted(**changes), ancestry=Ancestry.AHEAD, now=NOW)

    assert comeback is Comeback.FRESH


@pytest.mark.parametrize("because", sorted(BRANCH_LIVED))
@pytest.mark.parametrize("ancestry", Ancestry)
def test_what_was_closed_while_its_branch_lived_comes_back_wherever_the_branch_went(
    because: Closing, ancestry: Ancestry
) -> None:
    closed = deleted(closed_because=because, migrated_sha=None)

    assert restore_or_fresh(closed, ancestry=ancestry, now=NOW) is Comeback.RESTORE
    seen_missing = replace(closed, missing_since=NOW)
    assert restore_or_fresh(seen_missing, ancestry=ancestry, now=NOW) is Comeback.FRESH


@pytest.mark.parametrize("environment", [Environment.PRODUCTION, Environment.PREVIEW])
def test_an_environment_without_namesakes_comes_back_whatever_the_commit(
    environment: Environment,
) -> None:
    kept = deleted(branch=None, environment=environment, migrated_sha=None)

    assert restore_or_fresh(kept, ancestry=Ancestry.UNKNOWN, now=NOW) is Comeback.RESTORE
