"""Who may do what: GitHub's permission on the repository, and what a token leaves of it."""

import pytest

from app.core.environments import Environment
from app.core.identifiers import AppId
from app.core.people import (
    OPERATOR,
    ROLES,
    Act,
    Actor,
    Change,
    Connect,
    Lose,
    Manage,
    See,
    SeeLog,
    Wanted,
    asks_protection,
    refusal,
)

SHOP = AppId("3ba03b")
ACTS: list[Act] = [See, SeeLog, Connect, Change, Lose, Manage]

# act, environment, protected branch, the weakest role that may
TABLE = [
    (See, None, False, "read"),
    (See, Environment.PRODUCTION, False, "read"),
    (SeeLog, None, False, "write"),
    (Connect, Environment.BRANCH, False, "write"),
    (Connect, Environment.PREVIEW, False, "write"),
    (Connect, Environment.DEV, False, "write"),
    (Connect, Environment.PRODUCTION, False, "admin"),
    (Change, Environment.BRANCH, False, "write"),
    (Change, Environment.BRANCH, True, "write"),
    (Change, Environment.PREVIEW, False, "write"),
    (Change, Environment.PRODUCTION, False, "maintain"),
    (Lose, Environment.BRANCH, False, "write"),
    (Lose, Environment.BRANCH, True, "maintain"),
    (Lose, Environment.PREVIEW, False, "write"),
    (Lose, Environment.PRODUCTION, False, "maintain"),
    (Change, Environment.TEMPLATE, False, "maintain"),
    (Lose, Environment.TEMPLATE, False, "maintain"),
    (Manage, None, False, "maintain"),
]


@pytest.mark.parametrize(("act", "environment", "is_protected", "weakest"), TABLE)
@pytest.mark.parametrize("role", ROLES)
def test_the_permission_on_the_repository_decides(
    act: Act, environment: Environment | None, is_protected: bool, weakest: str, role: str
) -> None:
    octocat = Actor(name="github:octocat", login="octocat", user_id=1)
    wanted = Wanted(act=act, app_id=SHOP, environment=environment, is_protected=is_protected)

    may = refusal(octocat, wanted, permission=role) is None

    assert may == (ROLES.index(role) >= ROLES.index(weakest))


def test_a_permission_that_github_never_gives_is_none() -> None:
    octocat = Actor(name="github:octocat", login="octocat", user_id=1)

    assert refusal(octocat, Wanted(act=See, app_id=SHOP), permission="owner")


@pytest.mark.parametrize("act", ACTS)
def test_an_operator_needs_no_permission(act: Act) -> None:
    wanted = Wanted(act=act, app_id=SHOP, environment=Environment.PRODUCTION)

    assert refusal(OPERATOR, wanted, permission="none") is None


@pytest.mark.parametrize(
    "actor", [OPERATOR, Actor(name="github:octocat")], ids=lambda one: one.name
)
def test_nobody_enters_a_template(actor: Actor) -> None:
    wanted = Wanted(act=Connect, app_id=SHOP, environment=Environment.TEMPLATE)

    assert refusal(actor, wanted, permission="admin")


@pytest.mark.parametrize("act", ACTS)
def test_a_token_for_reading_only_reads_even_for_an_operator(act: Act) -> None:
    token = Actor(name="token:ci", is_operator=True, is_read_only=True)

    may = refusal(token, Wanted(act=act, app_id=SHOP), permission="admin") is None

    assert may == (act in {See, SeeLog})


@pytest.mark.parametrize("role", ROLES)
def test_a_token_for_reading_reads_logs_as_its_maker_may(role: str) -> None:
    token = Actor(name="token:ci", login="octocat", user_id=1, is_read_only=True)

    may = refusal(token, Wanted(act=SeeLog, app_id=SHOP), permission=role) is None

    assert may == (role in {"write", "maintain", "admin"})


@pytest.mark.parametrize("environment", [None, *Environment])
def test_github_is_asked_for_protection_only_where_a_branch_may_lose_data(
    environment: Environment | None,
) -> None:
    asked = {act for act in ACTS if asks_protection(Wanted(act=act, environment=environment))}

    strict = {Environment.PRODUCTION, Environment.TEMPLATE}
    assert asked == (set() if environment in strict else {Lose})


@pytest.mark.parametrize("app_id", ["b00b1e", None])
def test_a_token_for_one_app_has_no_other(app_id: AppId | None) -> None:
    token = Actor(name="token:ci", is_operator=True, only_app=SHOP)

    assert refusal(token, Wanted(act=See, app_id=app_id), permission="admin")
    assert refusal(token, Wanted(act=See, app_id=SHOP), permission="none") is None


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("is_protected", [False, True])
@pytest.mark.parametrize("environment", [None, *Environment])
@pytest.mark.parametrize("act", ACTS)
def test_whoever_may_do_something_may_do_what_counts_as_less(
    act: Act, environment: Environment | None, is_protected: bool, role: str
) -> None:
    """What mypy makes of it: a permission for the one is taken for the other."""
    octocat = Actor(name="github:octocat", login="octocat", user_id=1)

    def may(one: Act) -> bool:
        wanted = Wanted(act=one, app_id=SHOP, environment=environment, is_protected=is_protected)
        return refusal(octocat, wanted, permission=role) is None

    less = [one for one in ACTS if issubclass(act, one) and one is not act]

    assert not may(act) or all(may(one) for one in less)
