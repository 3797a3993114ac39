"""Lifecycle: nothing goes on one bad answer, and nobody finds a namesake's data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.databases import BRANCH_LIVED, Closing, Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import (
    AppId,
    BranchName,
    CommitSha,
    DatabaseId,
    DatabaseName,
    InstanceId,
    RoleName,
)
from app.core.lifecycle import (
    Comeback,
    InstanceStatus,
    Sweep,
    instance_status,
    is_passed_over,
    restore_or_fresh,
    sweep,
)
from app.core.repositories import Ancestry

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(minutes=10)
MAIN = BranchName("main")


def database(branch: str | None = "x", **changes: Any) -> Database:
    """A branch database in use, present at the last look."""
    plain = Database(
        id=DatabaseId(1),
        app_id=AppId("3ba03b"),
        instance_id=InstanceId(1),
        environment=Environment.BRANCH,
        branch=BranchName(branch) if branch else None,
        name=DatabaseName(f"3ba03b--{branch}"),
        owner_role=RoleName("3ba03b-o-1"),
        login_role=RoleName("3ba03b-u-1"),
        marker="m",
        state=DatabaseState.READY,
        reason=None,
        generation=1,
        migrated_sha=CommitSha("a" * 40),
        migrated_at=NOW,
        created_at=NOW,
        ready_at=NOW,
        drop_after=None,
        missing_since=None,
        is_live=True,
        is_emptying=False,
    )
    return replace(plain, **changes)


def deleted(**changes: Any) -> Database:
    usual: dict[str, Any] = {"state": DatabaseState.DELETED, "drop_after": NOW + timedelta(days=1)}
    return database(**usual | changes)


def swept(*databases: Database, branches: tuple[str, ...] = ("main",)) -> Sweep:
    names = [BranchName(name) for name in branches]
    return sweep(databases, branches=names, default_branch=MAIN, now=NOW)


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


def test_only_a_strict_ancestor_is_superseded() -> None:
    passed_over = [
        ancestry
        for ancestry in Ancestry
        if is_passed_over(ancestry, is_live_head=False, is_newer_alive=True)
    ]

    assert passed_over == [Ancestry.BEHIND]


@pytest.mark.parametrize(
    ("is_live_head", "is_newer_alive", "expected"),
    [(True, False, False), (True, True, True), (False, False, True), (False, True, True)],
)
def test_the_head_of_a_branch_gives_way_only_to_what_lives_elsewhere(
    is_live_head: bool, is_newer_alive: bool, expected: bool
) -> None:
    is_over = is_passed_over(
        Ancestry.BEHIND, is_live_head=is_live_head, is_newer_alive=is_newer_alive
    )

    assert is_over is expected


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


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ("", InstanceStatus.CREATING),
        ("deleted gone", InstanceStatus.CONNECTED),
        ("ready ready", InstanceStatus.CONNECTED),
        ("ready deleted", InstanceStatus.CONNECTED),
        ("ready creating", InstanceStatus.CREATING),
        ("ready creating error", InstanceStatus.ERROR),
    ],
)
def test_an_instance_shows_one_word(states: str, status: InstanceStatus) -> None:
    found = [DatabaseState(state) for state in states.split()]

    assert instance_status(found, is_assigned=True, is_failing=False) is status


def test_an_instance_without_apps_is_unassigned_whatever_stands_on_it() -> None:
    found = instance_status([DatabaseState.ERROR], is_assigned=False, is_failing=False)

    assert found is InstanceStatus.UNASSIGNED


@pytest.mark.parametrize("states", ["", "ready ready", "creating"])
@pytest.mark.parametrize("is_assigned", [True, False])
def test_a_server_that_does_not_answer_is_an_error_whatever_was_known_before(
    states: str, is_assigned: bool
) -> None:
    found = [DatabaseState(state) for state in states.split()]

    shown = instance_status(found, is_assigned=is_assigned, is_failing=True)

    assert shown is InstanceStatus.ERROR


def test_an_instance_whose_machine_is_silent_is_no_error_whatever_its_server_did_before() -> None:
    shown = instance_status(
        [DatabaseState.ERROR], is_assigned=True, is_failing=True, is_unreachable=True
    )

    assert shown is InstanceStatus.UNREACHABLE


def test_the_words_are_what_people_read() -> None:
    assert set(InstanceStatus) == {
        "Connected",
        "Creating",
        "Error",
        "Unassigned",
        "Unreachable",
    }
