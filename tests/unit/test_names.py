"""Names: one database for each branch, whatever the branch is called."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, DatabaseId
from app.core.names import (
    MAX_IDENTIFIER_BYTES,
    data_role,
    database_name,
    is_valid_app_id,
    job_role,
    login_role,
    owner_role,
    retired_name,
)

APP = AppId("3ba03b")
apps = st.from_regex(r"\A[a-z0-9]{2,16}\Z").map(AppId)
# Close relatives of each other, so that clashes would be found, beside anything at all.
lookalikes = st.text(alphabet="aAbé-._/1\u200b", min_size=1, max_size=80)
anything = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
branches = st.one_of(lookalikes, anything).map(BranchName)


def name(branch: str) -> str:
    return database_name(APP, Environment.BRANCH, BranchName(branch))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (Environment.PRODUCTION, "3ba03b-production"),
        (Environment.PREVIEW, "3ba03b-preview"),
        (Environment.DEV, "3ba03b-dev"),
    ],
)
def test_an_environment_without_a_branch_is_named_after_itself(
    environment: Environment, expected: str
) -> None:
    assert database_name(APP, environment, None) == expected


@pytest.mark.parametrize(
    "branch", ["main", "feature-branch", "a", "0", "v1.2", "a_b", "a.-_b", "x" * 55]
)
def test_a_plain_branch_is_used_verbatim(branch: str) -> None:
    assert name(branch) == f"3ba03b--{branch}"


@pytest.mark.parametrize(
    ("branch", "slug"),
    [
        ("feature/login", "feature-login"),
        ("Feature", "feature"),
        ("a--b", "a-b"),
        ("-rf", "rf"),
        ("--help", "help"),
        ("a-", "a"),
        ("_a", "a"),
        ("a.", "a"),
        ("production", "production"),
        ("preview", "preview"),
        ("dev", "dev"),
        ("prod", "prod"),
        ("postgres", "postgres"),
        ("template0", "template0"),
        ("template1", "template1"),
        ("default", "default"),
        ("none", "none"),
        ("null", "null"),
        ("été/ﬁx", "ete-fix"),
        ("\u0130stanbul", "istanbul"),
        ("日本", "x"),
        ("---", "x"),
        ("');DROP TABLE x;--", "drop-table-x"),
        ("x" * 56, "x" * 41),
        ("x" * 40 + "/y", "x" * 40),
    ],
)
def test_any_other_branch_is_a_slug_and_a_hash(branch: str, slug: str) -> None:
    assert re.fullmatch(rf"3ba03b--{re.escape(slug)}--[a-z2-7]{{12}}", name(branch))


def test_the_hash_is_of_the_exact_bytes() -> None:
    # printf feature/login | sha256sum | xxd -r -p | base32 | head -c12
    assert name("feature/login") == "3ba03b--feature-login--356hv2zvmdjt"


def test_case_makes_two_databases() -> None:
    assert name("Feature") != name("feature")


def test_composed_and_decomposed_letters_make_two_databases() -> None:
    assert name("caf\u00e9") != name("cafe\u0301")


@given(app=apps, one=branches, other=branches)
def test_two_branches_never_share_a_name(app: AppId, one: BranchName, other: BranchName) -> None:
    names = {database_name(app, Environment.BRANCH, branch) for branch in (one, other)}

    assert len(names) == len({one, other})


@given(app=apps, branch=branches)
def test_a_name_fits_and_is_plain(app: AppId, branch: BranchName) -> None:
    made = database_name(app, Environment.BRANCH, branch)

    assert len(made.encode()) <= MAX_IDENTIFIER_BYTES
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*[a-z0-9]", made)
    assert made.startswith(f"{app}--")


@given(app=apps, branch=branches)
def test_verbatim_and_hashed_forms_never_meet(app: AppId, branch: BranchName) -> None:
    rest = database_name(app, Environment.BRANCH, branch).removeprefix(f"{app}--")

    assert (rest == branch) == ("--" not in rest)


@given(app=apps, branch=branches)
def test_no_branch_gets_the_name_of_another_environment(app: AppId, branch: BranchName) -> None:
    taken = {
        database_name(app, Environment.PRODUCTION),
        database_name(app, Environment.PREVIEW),
        database_name(app, Environment.DEV),
        retired_name(app, DatabaseId(1)),
    }

    assert database_name(app, Environment.BRANCH, branch) not in taken


@given(apps=st.lists(apps, min_size=2, max_size=2, unique=True), branch=branches)
def test_two_apps_never_share_a_name(apps: list[AppId], branch: BranchName) -> None:
    one, other = (database_name(app, Environment.BRANCH, branch) for app in apps)

    assert one != other


@pytest.mark.parametrize(
    ("environment", "branch"),
    [
        (Environment.BRANCH, None),
        (Environment.BRANCH, BranchName("")),
        (Environment.BRANCH, BranchName("\ud800")),
        (Environment.PRODUCTION, BranchName("main")),
    ],
)
def test_a_branch_belongs_to_branch_databases_only(
    environment: Environment, branch: BranchName | None
) -> None:
    with pytest.raises(ValueError, match=r"."):
        database_name(APP, environment, branch)


@pytest.mark.parametrize("app", ["", "a", "A1", "a-b", "x" * 17, "a b", "é1", "ab\n"])
def test_an_app_id_is_checked_before_it_names_anything(app: str) -> None:
    assert not is_valid_app_id(app)
    with pytest.raises(ValueError, match="app id"):
        database_name(AppId(app), Environment.PREVIEW)


def test_a_retired_database_is_named_by_its_id() -> None:
    assert retired_name(APP, DatabaseId(17)) == "3ba03b-retired-17"


def test_roles_are_named_by_a_token() -> None:
    assert owner_role(APP, "0af3") == "3ba03b-o-0af3"
    assert login_role(APP, "0af3") == "3ba03b-u-0af3"
    assert job_role(APP, "0af3") == "3ba03b-j-0af3"
    assert data_role(APP, "0af3") == "3ba03b-d-0af3"


@pytest.mark.parametrize("token", ["", "AF", "xyz", "0a-1", "0" * 64])
def test_a_role_token_is_short_hex(token: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        owner_role(APP, token)
