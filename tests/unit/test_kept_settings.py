"""Settings that commands find with the service's data: those that their own shell has not."""

import pytest

from app.config import Config
from app.kept_settings import completed, to_keep

GIVEN = {
    "COPPICE_DATABASE_URL": "postgresql://u:p@db/state",
    "COPPICE_SECRET_KEYS": "LOrTWUEKRPA8mCpHHuHZWAmwXNFvNzUOIXnVH45zmMg=",
    "COPPICE_DATA_DIR": "/srv/coppice",
    "COPPICE_POSTGRES_BIN": "",
    "COPPICE_BIND": "0.0.0.0:80",
    "COPPICE_GITHUB_URL": "https://git.example.com",
    "COPPICE_RETENTION_DAYS": "30",
    "PATH": "/bin",
}


def test_what_says_where_the_data_is_is_not_kept_with_it() -> None:
    kept = to_keep(GIVEN, Config.from_environ(GIVEN))

    assert kept == {
        "COPPICE_GITHUB_URL": "https://git.example.com",
        "COPPICE_RETENTION_DAYS": "30",
        "COPPICE_PUBLIC_URL": "http://0.0.0.0:80",
    }


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {"GITHUB_URL": "theirs", "OIDC_ISSUER": "theirs", "RETENTION_DAYS": "9"}),
        (
            {"RETENTION_DAYS": "1"},
            {"GITHUB_URL": "theirs", "OIDC_ISSUER": "theirs", "RETENTION_DAYS": "1"},
        ),
        ({"GITHUB_URL": "mine"}, {"GITHUB_URL": "mine", "RETENTION_DAYS": "9"}),
        (
            {"GITHUB_URL": ""},
            {"GITHUB_URL": "theirs", "OIDC_ISSUER": "theirs", "RETENTION_DAYS": "9"},
        ),
    ],
)
def test_a_shells_own_settings_win_and_those_that_go_with_them_are_not_mixed(
    given: dict[str, str], found: dict[str, str]
) -> None:
    kept = {"GITHUB_URL": "theirs", "OIDC_ISSUER": "theirs", "RETENTION_DAYS": "9"}

    def named(settings: dict[str, str]) -> dict[str, str]:
        return {f"COPPICE_{name}": value for name, value in settings.items()}

    assert completed(named(given), named(kept)) == named(found)
