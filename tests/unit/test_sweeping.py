"""Sweeping: nothing goes on one bad answer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.databases import BRANCH_LIVED, Closing, Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, DatabaseId
from app.core.sweeping import Sweep, sweep
from tests.unit.databases import NOW, database

LONG_AGO = NOW - timedelta(minutes=10)
MAIN = BranchName("main")


def deleted(**changes: Any) -> Database:
    usual: dict[str, Any] = {"state": DatabaseState.DELETED, "drop_after": NOW + timedelta(days=1)}
    return database(**usual | changes)


def swept(*databases: Database, branches: tuple[str, ...] = ("main",)) -> Sweep:
    names = [BranchName(name) for name in branches]
    return sweep(databases, branches=names, default_branch=MAIN, now=NOW)


def test_a_branch_that_is_there_keeps_its_database() -> None:
    assert swept(database("x"), branches=("main", "x")) == Sweep()


def test_an_absent_branch_is_marked_first() -> None:
    gone = database("x")

    assert swept(gone) == Sweep(mark_missing=(gone,))


@pytest.mark.parametrize("because", Closing)
def test_of_what_was_closed_while_its_branch_lived_it_is_noted_when_that_goes(
    because: Closing,
) -> None:
    closed = deleted(closed_because=because)
    gone = replace(closed, missing_since=LONG_AGO)
    is_looked_at = because in BRANCH_LIVED

    assert swept(closed) == (Sweep(mark_missing=(closed,)) if is_looked_at else Sweep())
    assert swept(gone) == (Sweep(delete=(gone,)) if is_looked_at else Sweep())


@pytest.mark.parametrize("because", sorted(BRANCH_LIVED))
def test_a_branch_that_is_the_default_now_is_not_gone(because: Closing) -> None:
    assert swept(deleted(branch="main", closed_because=because)) == Sweep()


def test_an_absent_branch_goes_when_a_second_look_agrees_ten_minutes_later() -> None:
    gone = database("x", missing_since=LONG_AGO)

    assert swept(gone) == Sweep(delete=(gone,))


def test_two_looks_that_are_close_together_are_one() -> None:
    assert swept(database("x", missing_since=LONG_AGO + timedelta(seconds=1))) == Sweep()


def test_a_branch_that_is_back_is_unmarked() -> None:
    back = database("x", missing_since=LONG_AGO)

    assert swept(back, branches=("main", "x")) == Sweep(unmark=(back,))


@pytest.mark.parametrize("branches", [(), ("other",)])
def test_a_list_without_the_default_branch_is_not_believed(branches: tuple[str, ...]) -> None:
    assert swept(database("x", missing_since=LONG_AGO), branches=branches) == Sweep()


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": Environment.PRODUCTION, "branch": None},
        {"environment": Environment.PREVIEW, "branch": None},
        {"environment": Environment.DEV, "branch": None},
        {"is_live": False},
        {"state": DatabaseState.DELETED},
        {"state": DatabaseState.GONE},
    ],
    ids=str,
)
def test_only_branch_databases_in_use_are_looked_at(changes: dict[str, Any]) -> None:
    assert swept(database(missing_since=LONG_AGO, **changes)) == Sweep()


@pytest.mark.parametrize("state", [DatabaseState.CREATING, DatabaseState.ERROR])
def test_an_unfinished_database_goes_with_its_branch_too(state: DatabaseState) -> None:
    gone = database(missing_since=LONG_AGO, state=state)

    assert swept(gone).delete == (gone,)


def test_what_the_new_default_branch_had_of_its_own_is_a_leftover() -> None:
    leftover = database("main")

    assert swept(leftover) == Sweep(mark_missing=(leftover,))


def test_at_most_a_fifth_of_an_app_goes_at_once_longest_missing_first() -> None:
    missing = [
        database(f"b{n}", id=DatabaseId(n), missing_since=LONG_AGO - timedelta(minutes=n))
        for n in range(10)
    ]

    assert [one.id for one in swept(*missing).delete] == [9, 8]


def test_the_fifth_is_counted_for_each_app() -> None:
    gone = [database("x", app_id=AppId(app), missing_since=LONG_AGO) for app in ("aa", "bb")]

    assert swept(*gone).delete == tuple(gone)


ages = st.none() | st.integers(0, 60).map(lambda minutes: NOW - timedelta(minutes=minutes))
rows = st.builds(
    database,
    st.sampled_from(["main", "a", "b", "c", "d"]),
    id=st.integers(1, 100),
    app_id=st.sampled_from(["aa", "bb"]),
    missing_since=ages,
    state=st.sampled_from(DatabaseState),
    is_live=st.booleans(),
)


@given(
    databases=st.lists(rows, max_size=20),
    branches=st.sets(st.sampled_from(["main", "a", "b", "c"])),
)
def test_a_sweep_is_always_careful(databases: list[Database], branches: set[str]) -> None:
    result = swept(*databases, branches=tuple(branches))

    for gone in result.delete:
        assert gone.branch not in branches - {"main"}
        assert gone.missing_since is not None
        assert gone.missing_since <= LONG_AGO
        assert gone.state not in (DatabaseState.DELETED, DatabaseState.GONE)
    for app in ("aa", "bb"):
        of_app = [one for one in databases if one.app_id == app]
        assert len([one for one in result.delete if one.app_id == app]) <= max(1, len(of_app) // 5)
    assert "main" in branches or result == Sweep()
