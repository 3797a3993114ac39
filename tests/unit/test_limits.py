"""Limits: who is refused, what is frozen, and sizes as people write them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.identifiers import (
    AppId,
    BranchName,
    DatabaseId,
    DatabaseName,
    InstanceId,
    RoleName,
)
from app.core.instances import Address, AdminLogin, Instance, InstanceKind
from app.core.limits import (
    NO_LIMITS,
    OPEN_FOR,
    SMALLEST_DATABASE_BYTES,
    Freezing,
    LimitReached,
    Limits,
    Remark,
    check_room,
    excess,
    freezing,
    parse_size,
    remarks,
    total_excess,
    written,
)
from app.core.ownership import (
    Handover,
    UnknownLink,
    check_claim,
    check_claimer,
    check_offer,
    owns,
)
from app.core.people import OPERATOR, Actor
from app.operations.administration.limits import check

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MB = 1024**2
OCTOCAT = Actor(name="github:octocat", login="octocat", user_id=7)


def database(number: int, state: DatabaseState, **changes: Any) -> Database:
    was_made = state in (DatabaseState.READY, DatabaseState.DELETED)
    values: dict[str, Any] = {
        "id": DatabaseId(number),
        "app_id": AppId("3ba03b"),
        "instance_id": InstanceId(1),
        "environment": Environment.BRANCH,
        "branch": BranchName(f"b{number}"),
        "name": DatabaseName(f"3ba03b--b{number}"),
        "owner_role": RoleName("o"),
        "login_role": RoleName("u"),
        "marker": "m",
        "state": state,
        "reason": None,
        "generation": 1,
        "is_emptying": False,
        "migrated_sha": None,
        "migrated_at": None,
        "created_at": NOW,
        "ready_at": NOW if was_made else None,
        "drop_after": None,
        "missing_since": None,
        "is_live": True,
    }
    return Database(**{**values, **changes})


def is_refused(limits: Limits, new: Database, others: list[Database], total: int = 0) -> bool:
    try:
        check_room(limits, new, others, total_bytes=total)
    except LimitReached:
        return True
    return False


@pytest.mark.parametrize(
    ("others", "refused"),
    [
        ([], False),
        ([database(1, DatabaseState.READY)], False),
        ([database(1, DatabaseState.READY), database(2, DatabaseState.READY)], True),
        ([database(1, DatabaseState.READY), database(2, DatabaseState.CREATING)], True),
        ([database(1, DatabaseState.READY), database(2, DatabaseState.DELETED)], False),
        ([database(1, DatabaseState.READY), database(2, DatabaseState.GONE)], False),
        # Asked for later: that one is refused instead.
        ([database(1, DatabaseState.READY), database(8, DatabaseState.CREATING)], False),
        # It exists on the server, whatever is wrong with it.
        ([database(1, DatabaseState.READY), database(8, DatabaseState.ERROR, ready_at=NOW)], True),
    ],
)
def test_the_limit_of_databases_counts_those_that_are_there(
    others: list[Database], refused: bool
) -> None:
    new = database(5, DatabaseState.CREATING)

    assert is_refused(Limits(databases=2), new, [*others, new]) == refused


def test_of_two_that_ask_at_once_the_later_is_refused() -> None:
    both = [database(1, DatabaseState.CREATING), database(2, DatabaseState.CREATING)]

    assert [is_refused(Limits(databases=1), each, both) for each in both] == [False, True]


@pytest.mark.parametrize(("total", "refused"), [(99, False), (100, True), (101, True)])
def test_storage_in_all_leaves_no_room(total: int, refused: bool) -> None:
    new = database(1, DatabaseState.CREATING)

    assert is_refused(Limits(total_bytes=100), new, [], total) == refused


def test_without_limits_everything_has_room() -> None:
    many = [database(number, DatabaseState.READY) for number in range(1, 999)]

    assert not is_refused(NO_LIMITS, database(1000, DatabaseState.CREATING), many, 2**60)


def test_a_database_is_past_its_size_only_above_it() -> None:
    limits = Limits(database_bytes=5 * MB)

    assert excess(limits, 5 * MB) is None
    assert excess(limits, None) is None
    assert excess(limits, 6 * MB) == "It holds 6.0 MB, more than the 5.0 MB that are allowed."
    assert excess(NO_LIMITS, 6 * MB) is None


def test_storage_in_all_is_reported_from_where_it_leaves_no_room() -> None:
    limits = Limits(total_bytes=5 * MB)

    assert total_excess(limits, 5 * MB - 1) is None
    assert total_excess(limits, 6 * MB) == (
        "Its databases hold 6.0 MB of the 5.0 MB that are allowed: no other is made."
    )
    assert total_excess(NO_LIMITS, 2**60) is None


def test_an_instance_names_its_databases_that_are_too_large_and_says_what_becomes_of_them() -> None:
    sizes = [
        (database(2, DatabaseState.READY), 6 * MB),
        (database(1, DatabaseState.READY), 6 * MB),
        (database(3, DatabaseState.READY), 4 * MB),
        (database(4, DatabaseState.DELETED), 6 * MB),
        (database(5, DatabaseState.ERROR, is_frozen=True), 6 * MB),
    ]

    [reported] = said(Limits(database_bytes=5 * MB), sizes)
    [number, in_all, strict] = said(
        Limits(databases=2, database_bytes=5 * MB, total_bytes=9 * MB, freezes=True), sizes
    )

    assert reported.words == "2 open databases hold more than 5.0 MB: 3ba03b--b1, 3ba03b--b2."
    assert "Nothing is closed" in reported.advice
    many = [(database(number, DatabaseState.READY), 6 * MB) for number in range(1, 8)]
    assert said(Limits(database_bytes=5 * MB), many)[0].words.endswith("3ba03b--b5 and 2 more.")
    assert "28 MB of the 9.0 MB" in in_all.words
    assert "these are frozen" in strict.advice
    assert "the limit is 2 databases: they stay, and no other is made." in number.words
    assert said(NO_LIMITS, sizes) == ()


def said(limits: Limits, sizes: Sequence[tuple[Database, int]]) -> tuple[Remark, ...]:
    return remarks(limits, [one for one, _ in sizes], {one.id: size for one, size in sizes})


@pytest.mark.parametrize("freezes", [False, True])
def test_a_database_may_be_as_large_as_one_that_holds_nothing(freezes: bool) -> None:
    """Else every one would be past its limit at once, and frozen."""
    check(Limits(database_bytes=SMALLEST_DATABASE_BYTES, freezes=freezes))

    with pytest.raises(Invalid, match="one that holds nothing takes about 8 MB"):
        check(Limits(database_bytes=SMALLEST_DATABASE_BYTES - 1, freezes=freezes))


def test_freezing_is_for_operators_who_want_it() -> None:
    large = (database(1, DatabaseState.READY), 6 * MB)
    small = (database(2, DatabaseState.READY), 4 * MB)
    frozen = (database(3, DatabaseState.ERROR, is_frozen=True), 6 * MB)
    emptied = (database(4, DatabaseState.ERROR, is_frozen=True), 4 * MB)
    broken = (database(5, DatabaseState.ERROR), 6 * MB)
    known = frozenset({DatabaseId(3), DatabaseId(4)})
    measured = [large, small, frozen, emptied, broken]

    reporting = freezing(Limits(database_bytes=5 * MB), measured, frozen=known, now=NOW)
    strict = freezing(Limits(database_bytes=5 * MB, freezes=True), measured, frozen=known, now=NOW)

    assert reporting == Freezing(freeze=(), thaw=(DatabaseId(3), DatabaseId(4)))
    assert strict == Freezing(freeze=(DatabaseId(1), DatabaseId(3)), thaw=(DatabaseId(4),))


def test_what_a_person_opened_stays_open_for_a_while() -> None:
    strict = Limits(database_bytes=5 * MB, freezes=True)
    opened = database(1, DatabaseState.READY, opened_at=NOW)

    found = [
        freezing(strict, [(opened, 6 * MB)], frozen=frozenset(), now=NOW + after).freeze
        for after in (timedelta(seconds=2), OPEN_FOR - timedelta(seconds=1), OPEN_FOR)
    ]

    assert found == [(), (), (opened.id,)]


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("500MB", 500 * MB), ("1.5 gb", 1536 * MB), (" 2kB ", 2048), ("1TB", 1024**4)],
)
def test_sizes_are_read_as_postgresql_means_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-1MB",
        "many",
        "1PB",
        "1e9",
        "99999999TB",
        "9" * 400,
        "1" * 5000 + "TB",
        "nan",
        "\u0661MB",
    ],
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_size(text)


@pytest.mark.parametrize("size", [3, 1024, 500 * MB, 1536 * MB, 1024**4, 1234567])
def test_a_size_that_was_written_is_read_back_as_it_was(size: int) -> None:
    assert parse_size(written(size)) == size


# --- handing over --------------------------------------------------------------------------------


def instance(kind: InstanceKind) -> Instance:
    address = Address(host="127.0.0.1", port=5432)
    admin = AdminLogin(address=address, user="admin", password="secret")
    return Instance(id=InstanceId(1), name="local", kind=kind, admin=admin, public_address=address)


def claim(**changes: Any) -> Handover:
    values = {
        "instance_id": InstanceId(1),
        "limits": NO_LIMITS,
        "expires_at": NOW + timedelta(days=1),
    }
    return Handover(**{**values, **changes})


CLAIMED = {"owner_id": 7, "owner_login": "octocat", "claimed_at": NOW}


def test_only_what_the_operator_provisioned_and_nobody_owns_is_handed_over() -> None:
    check_offer(instance(InstanceKind.PROVISIONED), None)
    check_offer(instance(InstanceKind.PROVISIONED), claim())

    with pytest.raises(Conflict, match="linked"):
        check_offer(instance(InstanceKind.LINKED), None)
    with pytest.raises(Conflict, match="octocat"):
        check_offer(instance(InstanceKind.PROVISIONED), claim(**CLAIMED))


@pytest.mark.parametrize("found", [None, claim(**CLAIMED), claim(expires_at=NOW)])
def test_a_link_that_does_not_work_tells_nobody_why(found: Handover | None) -> None:
    with pytest.raises(UnknownLink):
        check_claim(found, now=NOW)


def test_a_link_works_until_its_time_is_over() -> None:
    assert check_claim(claim(), now=NOW + timedelta(hours=23)) == claim()


@pytest.mark.parametrize(
    ("actor", "permissions", "may"),
    [
        (OCTOCAT, ["admin"], True),
        (OCTOCAT, ["none", "admin"], True),
        (OCTOCAT, ["maintain"], False),
        (OCTOCAT, [], False),
        (OPERATOR, ["admin"], False),
        (Actor(name="t", login="octocat", user_id=7, is_read_only=True), ["admin"], False),
        (Actor(name="t", login="octocat", user_id=7, only_app=AppId("aa")), ["admin"], False),
    ],
)
def test_an_admin_of_a_repository_there_may_claim(
    actor: Actor, permissions: list[str], may: bool
) -> None:
    try:
        check_claimer(actor, permissions)
    except Forbidden:
        assert not may
    else:
        assert may


def test_who_claimed_it_owns_it() -> None:
    assert owns(OCTOCAT, claim(**CLAIMED))
    assert not owns(OCTOCAT, claim())
    assert not owns(OCTOCAT, None)
    assert not owns(Actor(name="github:other", login="other", user_id=8), claim(**CLAIMED))
    assert not owns(OPERATOR, claim())
