"""Rows held against a catalog: what differs, and what is nobody's fault."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.databases import Database, DatabaseState
from app.core.identifiers import DatabaseName, RoleName
from app.core.standing import (
    Fault,
    Standing,
    StandingDatabase,
    differences,
    failure,
    fault_of,
    unknown,
)
from tests.unit.databases import database

READY = database(is_made=True, marker="0" * 24)
DELETED = replace(READY, state=DatabaseState.DELETED)
FROZEN = replace(READY, state=DatabaseState.ERROR, is_frozen=True)
WHOLE = StandingDatabase(
    owner=READY.owner_role, marker=READY.marker, is_open=True, is_half_dropped=False
)
CLOSED = replace(WHOLE, is_open=False)


def stands(found: StandingDatabase | None, *, may_log_in: bool | None) -> Standing:
    logins = {} if may_log_in is None else {READY.login_role: may_log_in}
    return Standing(databases={} if found is None else {READY.name: found}, logins=logins)


def faulty(row: Database, found: StandingDatabase | None, *, login: bool | None) -> Fault | None:
    return fault_of(row, stands(found, may_log_in=login))


@pytest.mark.parametrize(
    ("row", "found", "login", "fault"),
    [
        (READY, WHOLE, True, None),
        (READY, None, True, Fault.MISSING),
        (READY, replace(WHOLE, is_half_dropped=True), True, Fault.MISSING),
        (READY, replace(WHOLE, owner=RoleName("postgres")), True, Fault.REPLACED),
        (READY, replace(WHOLE, marker="another"), True, Fault.CHANGED),
        (READY, replace(WHOLE, marker=f"{READY.marker}00000002"), True, Fault.CHANGED),
        (READY, replace(WHOLE, marker=None), True, Fault.UNMARKED),
        (READY, CLOSED, True, Fault.SHUT),
        (READY, WHOLE, False, Fault.SHUT),
        (READY, WHOLE, None, Fault.SHUT),
        (replace(READY, data_role=RoleName("3ba03b-d-1")), WHOLE, True, Fault.OWNERLESS),
        (replace(READY, data_role=RoleName("3ba03b-d-1")), CLOSED, True, Fault.SHUT),
        (DELETED, CLOSED, False, None),
        (DELETED, CLOSED, None, None),
        (DELETED, WHOLE, False, Fault.OPEN),
        (DELETED, CLOSED, True, Fault.OPEN),
        (DELETED, replace(WHOLE, marker=None), False, Fault.OPEN),
        (DELETED, replace(CLOSED, marker=None), False, Fault.UNMARKED),
        (DELETED, None, False, Fault.MISSING),
        (DELETED, None, True, Fault.OPEN),
        (DELETED, replace(WHOLE, marker="another"), False, Fault.CHANGED),
        (DELETED, replace(WHOLE, marker="another"), True, Fault.CHANGED),
        (DELETED, replace(WHOLE, owner=RoleName("postgres")), False, Fault.REPLACED),
        (DELETED, replace(WHOLE, owner=RoleName("postgres")), True, Fault.OPEN),
        (replace(DELETED, is_made=False), None, None, None),
        (replace(DELETED, is_made=False), replace(WHOLE, owner=RoleName("a")), False, None),
        (FROZEN, CLOSED, False, None),
        (FROZEN, WHOLE, False, Fault.OPEN),
        (FROZEN, None, False, Fault.MISSING),
    ],
)
def test_a_row_is_held_against_what_stands(
    row: Database, found: StandingDatabase | None, *, login: bool | None, fault: Fault | None
) -> None:
    assert faulty(row, found, login=login) is fault


@pytest.mark.parametrize("state", [DatabaseState.CREATING, DatabaseState.ERROR, DatabaseState.GONE])
def test_what_is_being_made_or_failed_is_looked_at_elsewhere(state: DatabaseState) -> None:
    row = replace(READY, state=state)

    assert faulty(row, None, login=True) is None
    assert differences([row], stands(None, may_log_in=True)) == []


def test_a_login_that_waits_for_the_end_of_a_job_is_no_fault() -> None:
    standing = replace(
        stands(WHOLE, may_log_in=False), shut_for_a_while=frozenset({READY.login_role})
    )

    assert fault_of(READY, standing) is None


def test_an_earlier_generation_is_ours_but_not_what_a_ready_row_tells_of() -> None:
    earlier, generation = f"{READY.marker}00000002", f"{READY.marker}00000003"
    ready = replace(READY, marker=generation, generation=3)
    closed = replace(DELETED, marker=generation, generation=3)

    assert faulty(ready, replace(WHOLE, marker=earlier), login=True) is Fault.CHANGED
    assert faulty(closed, replace(CLOSED, marker=earlier), login=False) is None


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_has_words_advice_and_its_code(fault: Fault) -> None:
    told = failure(READY.name, fault)

    assert READY.name in str(told)
    assert told.advice
    assert told.code == fault.value


@pytest.mark.parametrize(
    ("name", "is_of_known_app"),
    [
        (READY.name, None),
        ("3ba03b--other", True),
        ("abcdef-production", False),
        ("someones", None),
        (f"{READY.owner_role}-dropping-17", None),
        ("3ba03b-o-gone-dropping-17", True),
    ],
)
def test_what_is_ours_by_its_name_and_has_no_row_is_unknown(
    name: str, *, is_of_known_app: bool | None
) -> None:
    found: Any = unknown([DatabaseName(name)], databases=[READY], app_ids=["3ba03b"])

    assert [one.is_of_known_app for one in found] == (
        [] if is_of_known_app is None else [is_of_known_app]
    )
