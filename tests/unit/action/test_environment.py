import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action import environment
from action.credentials import Credentials
from action.user_command import Names

OWN = "postgresql://job@db/shop"
VARIABLES = {
    "PGHOST": "db",
    "PGSSLMODE": "require",
    "COPPICE_ENVIRONMENT": "branch",
    "DATABASE_URL": OWN,
}


def seen_by_command(inherited: Mapping[str, str], scratch: Path) -> dict[str, str]:
    sorted_out = environment.inherited(inherited, Names())
    return environment.for_command(sorted_out, VARIABLES, scratch=scratch)


def credentials(*, sslmode: str = "require", ca_certificate: str | None = None) -> Credentials:
    return Credentials(
        variables=VARIABLES | {"PGSSLMODE": sslmode},
        marker="0" * 16,
        ca_certificate=ca_certificate,
        ignored=0,
    )


@pytest.mark.parametrize(
    "name",
    [
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
        "ACTIONS_CACHE_URL",
        "ACTIONS_RESULTS_URL",
        "INPUT_ANYTHING",
        "COPPICE_INPUT_SERVICE_URL",
        "COPPICE_SECRET_KEYS",
        "PGHOSTADDR",
        "PGSERVICE",
        "PGSERVICEFILE",
        "PGPASSFILE",
        "PGOPTIONS",
        "DATABASE_URL",
        "DATABASE_URL_POOLED",
        "PRISMA_ACCELERATE_URL",
    ],
)
def test_what_could_reach_another_database_is_removed(tmp_path: Path, name: str) -> None:
    assert seen_by_command({name: "x"}, tmp_path).get(name) in (None, OWN)


@pytest.mark.parametrize("inherited", [{}, {"GITHUB_TOKEN": "ghs_0123"}])
def test_a_token_that_was_there_is_empty_since_yarn_asks_for_it(
    tmp_path: Path, inherited: dict[str, str]
) -> None:
    seen = seen_by_command(inherited, tmp_path)

    assert [seen[name] for name in seen if name == "GITHUB_TOKEN"] == [""] * len(inherited)


def test_the_rest_is_kept_and_the_databases_variables_added(tmp_path: Path) -> None:
    inherited = {"PATH": "/bin", "MY_SETTING": "1", "PGHOST": "elsewhere"}

    seen = seen_by_command(inherited, tmp_path)

    assert seen.items() >= {"PATH": "/bin", "MY_SETTING": "1", **VARIABLES}.items()


def test_command_files_are_scratch_files_that_exist(tmp_path: Path) -> None:
    inherited = {"GITHUB_ENV": "/the/real/one"}

    seen = seen_by_command(inherited, tmp_path)

    for name in ("ENV", "PATH", "OUTPUT", "STATE", "STEP_SUMMARY"):
        file = Path(seen[f"GITHUB_{name}"])
        assert file.parent == tmp_path
        assert file.exists()


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_no_name_of_libpq_or_the_runner_slips_through(inherited: dict[str, str]) -> None:
    names = [name for name in inherited if name.startswith(("PG", "ACTIONS_", "COPPICE_"))]

    assert all(environment._is_removed(name) for name in names)


def test_a_certificate_becomes_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    values = environment.variables(credentials(ca_certificate="PEM\n"), Names(), folder=tmp_path)

    file = Path(values["PGSSLROOTCERT"])
    assert file.read_text() == "PEM\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("sslmode", ["verify-ca", "verify-full"])
def test_verifying_without_a_ca_means_the_public_authorities(tmp_path: Path, sslmode: str) -> None:
    values = environment.variables(credentials(sslmode=sslmode), Names(), folder=tmp_path)

    assert values["PGSSLROOTCERT"] == "system" or Path(values["PGSSLROOTCERT"]).is_file()


def test_without_verifying_there_is_no_certificate(tmp_path: Path) -> None:
    values = environment.variables(credentials(), Names(), folder=tmp_path)

    assert "PGSSLROOTCERT" not in values


def test_the_users_own_names_hold_the_url_for_later_steps_too(tmp_path: Path) -> None:
    values = environment.variables(credentials(), Names(database=("SHOP_URL",)), folder=tmp_path)

    assert values["SHOP_URL"] == OWN
