from collections.abc import Mapping
from pathlib import Path

import pytest

from action import inputs
from action.errors import ActionError
from action.inputs import Inputs
from action.user_command import Names


def read(workspace: Path, **given: str) -> Inputs:
    environ: Mapping[str, str] = {
        "GITHUB_WORKSPACE": str(workspace),
        "COPPICE_INPUT_SERVICE_URL": "https://coppice.example.com",
    } | {f"COPPICE_INPUT_{name.upper()}": value for name, value in given.items()}
    return inputs.read(environ)


def complaint(workspace: Path, **given: str) -> str:
    with pytest.raises(ActionError) as caught:
        read(workspace, **given)
    return caught.value.problem.text


def test_all_but_the_services_address_has_a_default(tmp_path: Path) -> None:
    assert read(tmp_path) == Inputs(
        service_url="https://coppice.example.com",
        migration_command="",
        seed_command="",
        migrate=True,
        app="",
        environments=(),
        directory=tmp_path,
        export_env=False,
        credentials="job",
        credentials_minutes=60,
        timeout_minutes=30,
        max_parallel=1,
        fails_without_database=False,
        template=True,
        template_timeout_minutes=10,
        trace="auto",
        names=Names(),
    )


def test_names_of_variables_are_read_from_a_list(tmp_path: Path) -> None:
    names = read(tmp_path, database_variables="A_URL, b", keep_env="REPORTING_URL,,A").names

    assert names == Names(database=("A_URL", "b"), keep=("REPORTING_URL", "A"))


@pytest.mark.parametrize(
    "url",
    [
        "https://coppice.example.com",
        "https://coppice.example.com:8443/db",
        "http://127.0.0.1:8000",
        "http://localhost:8000",
        "http://[::1]:8000",
    ],
)
def test_an_address_is_taken_without_its_last_slash(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, service_url=f"{url}/").service_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "coppice.example.com",
        "http://coppice.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost@evil.example",
        "https://user:password@coppice.example.com",
        "https://coppice.example.com/?next=x",
        "https://coppice.example.com/#x",
        "https://coppice.example.com:port",
        "https://exa mple.com",
        "https://example.com\r\nX: y",
        "ftp://coppice.example.com",
        "https://",
    ],
)
def test_other_addresses_are_refused(tmp_path: Path, url: str) -> None:
    assert "`service-url`" in complaint(tmp_path, service_url=url)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app", "3BA03B"),
        ("app", "x"),
        ("environments", "staging"),
        ("environments", "dev"),
        ("migrate", "yes"),
        ("export_env", "1"),
        ("credentials", "admin"),
        ("credentials_minutes", "361"),
        ("credentials_minutes", "0"),
        ("timeout_minutes", "361"),
        ("timeout_minutes", "1.5"),
        ("timeout_minutes", "٣"),
        ("max_parallel", "-1"),
        ("database_variables", "MY-URL"),
        ("database_variables", "postgres://u:p@h/d"),
        ("database_variables", "PGHOST"),
        ("keep_env", "DATABASE_URL"),
        ("keep_env", "COPPICE_SECRET_KEYS"),
        ("keep_env", "ACTIONS_RUNTIME_TOKEN"),
        ("keep_env", "A B"),
        ("on_no_database", "ignore"),
        ("working_directory", "no/such/folder"),
        ("migration_command", "x" * 20_000),
        ("migration_command", "echo \udcff"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    assert f"`{name.replace('_', '-')}`" in complaint(tmp_path, **{name: value})


def test_environments_are_a_list_without_repeats(tmp_path: Path) -> None:
    assert read(tmp_path, environments=" preview,branch , preview,").environments == (
        "preview",
        "branch",
    )


def test_booleans_are_read_in_any_case(tmp_path: Path) -> None:
    assert not read(tmp_path, migrate="False").migrate


def test_secrets_of_the_job_do_not_show_in_its_representation() -> None:
    environ = {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret-1", "KEY": "secret-2"}

    assert "secret" not in repr(inputs.read_job(environ))
