"""What `script/chaos` plans, and what it takes for a lost row."""

from collections.abc import Mapping
from typing import Any

import pytest

from chaos import data
from chaos.history import Birth, Births, Change
from chaos.ledger import ALWAYS, Deed, Place, Written
from chaos.plan import plan

HERE = Place(app="shop", environment="branch", branch="feature/login")
ELSEWHERE = Place(app="shop", environment="branch", branch="feature")
ROW: Mapping[str, Any] = {
    "id": 7,
    "app_id": "shop",
    "environment": "branch",
    "branch": "feature/login",
    "name": "shop--feature-login",
    "generation": 1,
    "is_live": True,
    "is_unwanted": False,
}
BORN, WROTE, LATER = 100.0, 110.0, 120.0


def written() -> Written:
    return Written(
        token="row",
        place=HERE,
        instance="east",
        oid=5,
        database="shop--feature-login",
        marker="marker",
        run=1,
        at=WROTE,
    )


def stored(row: Mapping[str, Any] = ROW, place: Place = HERE) -> data.Stored:
    return data.Stored(token="row", place=place, instance="east", row=row)


def fresh_start(at: float) -> Change:
    return Change(at=at, old=ROW, new={**ROW, "generation": 2})


def deed(kind: str, *, at: float, until: float | None = None, place: Place = HERE) -> Deed:
    return Deed(at=at, until=at if until is None else until, kind=kind, place=place)


def lost(
    *found: data.Stored, changes: tuple[Change, ...] = (), deeds: tuple[Deed, ...] = ()
) -> list[str]:
    births = Births(found={("east", 5): Birth(names=["shop--feature-login"], at=BORN)})
    return list(data.lost([written()], found, births=births, changes=changes, deeds=deeds))


def test_a_longer_plan_begins_like_a_shorter_one() -> None:
    weights = {"push": 3, "delete": 1}

    long = plan(5, "developer", weights=weights, seconds=60, pause_seconds=1)
    short = plan(5, "developer", weights=weights, seconds=20, pause_seconds=1)

    assert long[: len(short)] == short


@pytest.mark.parametrize(("seed", "actor"), [(6, "developer"), (5, "another")])
def test_another_seed_or_actor_has_another_plan(seed: int, actor: str) -> None:
    weights = {"push": 3, "delete": 1}

    mine = plan(5, "developer", weights=weights, seconds=60, pause_seconds=1)

    assert plan(seed, actor, weights=weights, seconds=60, pause_seconds=1) != mine


def test_a_row_that_is_there_is_not_lost() -> None:
    assert lost(stored()) == []


def test_a_row_that_is_gone_without_a_reason_is_lost() -> None:
    assert "is lost" in lost()[0]


def test_a_reset_of_the_database_that_held_it_explains_a_row_that_is_gone() -> None:
    assert lost(changes=(fresh_start(at=LATER),)) == []


def test_a_reset_from_before_the_database_was_made_explains_nothing() -> None:
    assert "is lost" in lost(changes=(fresh_start(at=BORN - 10),))[0]


def test_a_row_set_aside_without_a_deletion_is_told_of() -> None:
    aside = {**ROW, "is_live": False}

    assert "set aside" in lost(stored(aside))[0]


def test_a_deletion_at_github_explains_a_row_that_is_set_aside() -> None:
    aside = {**ROW, "is_live": False}

    assert lost(stored(aside), deeds=(deed("branch deleted", at=LATER),)) == []


def test_a_row_in_the_database_of_another_branch_is_misplaced() -> None:
    assert list(data.misplaced([stored(place=ELSEWHERE)]))


def test_a_request_explains_one_reset_and_no_second_one() -> None:
    changes = [fresh_start(at=LATER), fresh_start(at=LATER + 5)]

    found = list(data.unasked(changes, [deed("reset: 202", at=WROTE, until=ALWAYS)]))

    assert found == [f"{HERE} (row 7) was to be emptied, unasked"]
