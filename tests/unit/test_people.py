"""Who may do what: GitHub's permission on the repository, and what a token leaves of it."""

import pytest

from app.core.environments import Environment
from app.core.identifiers import AppId
from app.core.people import OPERATOR, ROLES, Act, Actor, Wanted, asks_protection, refusal

SHOP = AppId("3ba03b")

# act, environment, protected branch, the weakest role that may
TABLE = [
    (Act.SEE, None, False, "read"),
    (Act.SEE, Environment.PRODUCTION, False, "read"),
    (Act.SEE_LOG, None, False, "write"),
    (Act.CONNECT, Environment.BRANCH, False, "write"),
    (Act.CONNECT, Environment.PREVIEW, False, "write"),
    (Act.CONNECT, Environment.DEV, False, "write"),
    (Act.CONNECT, Environment.PRODUCTION, False, "admin"),
    (Act.CHANGE, Environment.BRANCH, False, "write"),
    (Act.CHANGE, Environment.BRANCH, True, "write"),
    (Act.CHANGE, Environment.PREVIEW, False, "write"),
    (Act.CHANGE, Environment.PRODUCTION, False, "maintain"),
    (Act.LOSE, Environment.BRANCH, False, "write"),
    (Act.LOSE, Environment.BRANCH, True, "maintain"),
    (Act.LOSE, Environment.PREVIEW, False, "write"),
    (Act.LOSE, Environment.PRODUCTION, False, "maintain"),
    (Act.MANAGE, None, False, "maintain"),
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

    assert refusal(octocat, Wanted(act=Act.SEE, app_id=SHOP), permission="owner")


@pytest.mark.parametrize("act", Act)
def test_an_operator_needs_no_permission(act: Act) -> None:
    wanted = Wanted(act=act, app_id=SHOP, environment=Environment.PRODUCTION)

    assert refusal(OPERATOR, wanted, permission="none") is None


@pytest.mark.parametrize("act", Act)
def test_a_token_for_reading_only_reads_even_for_an_operator(act: Act) -> None:
    token = Actor(name="token:ci", is_operator=True, is_read_only=True)

    may = refusal(token, Wanted(act=act, app_id=SHOP), permission="admin") is None

    assert may == (act in {Act.SEE, Act.SEE_LOG})


@pytest.mark.parametrize("role", ROLES)
def test_a_token_for_reading_reads_logs_as_its_maker_may(role: str) -> None:
    token = Actor(name="token:ci", login="octocat", user_id=1, is_read_only=True)

    may = refusal(token, Wanted(act=Act.SEE_LOG, app_id=SHOP), permission=role) is None

    assert may == (role in {"write", "maintain", "admin"})


@pytest.mark.parametrize("environment", [None, *Environment])
def test_github_is_asked_for_protection_only_where_a_branch_may_lose_data(
    environment: Environment | None,
) -> None:
    asked = {act for act in Act if asks_protection(Wanted(act=act, environment=environment))}

    assert asked == (set() if environment is Environment.PRODUCTION else {Act.LOSE})


@pytest.mark.parametrize("app_id", ["b00b1e", None])
def test_a_token_for_one_app_has_no_other(app_id: AppId | None) -> None:
    token = Actor(name="token:ci", is_operator=True, only_app=SHOP)

    assert refusal(token, Wanted(act=Act.SEE, app_id=app_id), permission="admin")
    assert refusal(token, Wanted(act=Act.SEE, app_id=SHOP), permission="none") is None
