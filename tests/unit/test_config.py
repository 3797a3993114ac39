"""Settings: read from a mapping, checked all at once, silent about secrets."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from app.config import Config, InvalidConfig
from app.store.vault import new_key

TENANT_ISSUER = "https://token.actions.octocorp.ghe.com"
DATABASE_URL = "postgresql://coppice:hunter2hunter2@db.internal/coppice"


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


def problems_of(environ: Mapping[str, str]) -> str:
    with pytest.raises(InvalidConfig) as raised:
        Config.from_environ(environ)
    return str(raised.value)


def test_nothing_has_to_be_set() -> None:
    config = Config.from_environ({})

    assert str(config.bind) == "127.0.0.1:8000"
    assert config.public_url == "http://127.0.0.1:8000"
    assert config.data_dir == Path.cwd() / ".coppice"
    assert config.github_app is None
    assert config.retention.days == 7
    assert config.warnings == ()


def test_all_problems_are_reported_together() -> None:
    text = problems_of(
        {
            "COPPICE_BIND": "8000",
            "COPPICE_DATABASE_URL": "mysql://db/coppice",
            "COPPICE_PUBLIC_URL": "coppice.example.com",
            "COPPICE_RETENTION_DAYS": "a week",
            "COPPICE_ADMIN_TOKEN": "short",
            "COPPICE_GITHUB_APP_ID": "coppice",
        }
    )

    for name in (
        "COPPICE_BIND",
        "COPPICE_DATABASE_URL",
        "COPPICE_SECRET_KEYS",
        "COPPICE_PUBLIC_URL",
        "COPPICE_RETENTION_DAYS",
        "COPPICE_ADMIN_TOKEN",
        "COPPICE_GITHUB_APP_ID",
        "COPPICE_GITHUB_PRIVATE_KEY",
        "COPPICE_GITHUB_WEBHOOK_SECRETS",
    ):
        assert f"\n{name}: " in text


@given(secret=st.text(st.characters(min_codepoint=48, max_codepoint=122), min_size=6))
def test_no_message_repeats_a_value(secret: str) -> None:
    marked = f"hush{secret}"

    text = problems_of(
        {
            "COPPICE_DATABASE_URL": f"x://{marked}",
            "COPPICE_SECRET_KEYS": marked,
            "COPPICE_GITHUB_PRIVATE_KEY": marked,
            "COPPICE_GITHUB_APP_ID": marked,
            "COPPICE_PUBLIC_URL": f"http://me:{marked}@host",
            "COPPICE_BIND": marked,
        }
    )

    assert "hush" not in text


def test_secrets_show_in_no_text_of_the_settings(pem: str) -> None:
    key = new_key()
    config = Config.from_environ(
        {
            "COPPICE_DATABASE_URL": DATABASE_URL,
            "COPPICE_SECRET_KEYS": key,
            "COPPICE_ADMIN_TOKEN": "token-of-the-admin",
            "COPPICE_GITHUB_APP_ID": "17",
            "COPPICE_GITHUB_PRIVATE_KEY": pem,
            "COPPICE_GITHUB_WEBHOOK_SECRETS": "webhook-secret-1,webhook-secret-2",
            "COPPICE_GITHUB_CLIENT_ID": "Iv1",
            "COPPICE_GITHUB_CLIENT_SECRET": "client-secret",
        }
    )

    shown = f"{config!r}{config}{config.github_app!r}{config.github_login!r}"

    for secret in ("hunter2", key, "token-of", "PRIVATE", "webhook-secret", "client-secret"):
        assert secret not in shown


def test_the_private_key_may_be_in_a_file(tmp_path: Path, pem: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem)
    settings = {"COPPICE_GITHUB_APP_ID": "17", "COPPICE_GITHUB_WEBHOOK_SECRETS": "one, two"}

    config = Config.from_environ({**settings, "COPPICE_GITHUB_PRIVATE_KEY_FILE": str(file)})

    assert config.github_app is not None
    assert config.github_app.private_key.get_secret_value() == pem.strip() + "\n"
    assert len(config.github_app.webhook_secrets) == 2


def test_the_private_key_may_have_escaped_newlines(pem: str) -> None:
    config = Config.from_environ(
        {
            "COPPICE_GITHUB_APP_ID": "17",
            "COPPICE_GITHUB_WEBHOOK_SECRETS": "one",
            "COPPICE_GITHUB_PRIVATE_KEY": pem.replace("\n", "\\n"),
        }
    )

    assert config.github_app is not None
    assert config.github_app.private_key.get_secret_value().strip() == pem.strip()


def test_a_key_file_that_is_missing_is_named_by_its_variable(tmp_path: Path) -> None:
    text = problems_of({"COPPICE_GITHUB_PRIVATE_KEY_FILE": str(tmp_path / "none.pem")})

    assert "COPPICE_GITHUB_PRIVATE_KEY_FILE: cannot be read: No such file" in text


def test_a_text_and_a_file_for_the_key_exclude_each_other(pem: str) -> None:
    text = problems_of(
        {"COPPICE_GITHUB_PRIVATE_KEY": pem, "COPPICE_GITHUB_PRIVATE_KEY_FILE": "/dev/null"}
    )

    assert "not both" in text


@pytest.mark.parametrize("key", ["nonsense", "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END-----"])
def test_a_private_key_must_be_pem(key: str) -> None:
    assert "COPPICE_GITHUB_PRIVATE_KEY: must be" in problems_of({"COPPICE_GITHUB_PRIVATE_KEY": key})


def test_a_database_of_ones_own_needs_keys() -> None:
    text = problems_of({"COPPICE_DATABASE_URL": DATABASE_URL})

    assert "COPPICE_SECRET_KEYS: is required" in text


def test_keys_are_taken_in_their_order() -> None:
    newest, oldest = new_key(), new_key()

    config = Config.from_environ({"COPPICE_SECRET_KEYS": f"{newest}, {oldest}"})

    assert [key.get_secret_value() for key in config.secret_keys] == [newest, oldest]


def test_half_an_oauth_client_is_a_problem() -> None:
    text = problems_of({"COPPICE_GITHUB_CLIENT_ID": "Iv1"})

    assert "COPPICE_GITHUB_CLIENT_SECRET: is missing" in text


def test_addresses_lose_their_trailing_slash() -> None:
    config = Config.from_environ({"COPPICE_PUBLIC_URL": "https://coppice.example.com/"})

    assert config.public_url == "https://coppice.example.com"


def test_a_path_is_refused_with_the_reason() -> None:
    text = problems_of({"COPPICE_PUBLIC_URL": "https://tools.example.com/coppice"})

    assert "COPPICE_PUBLIC_URL: must hold no path" in text
    assert "a host name (or a port) of its own" in text


@pytest.mark.parametrize(
    ("url", "api", "issuer"),
    [
        ("", "https://api.github.com", "https://token.actions.githubusercontent.com"),
        (
            "https://github.com/",
            "https://api.github.com",
            "https://token.actions.githubusercontent.com",
        ),
        (
            "https://github.example.com/",
            "https://github.example.com/api/v3",
            "https://github.example.com/_services/token",
        ),
        ("https://octocorp.ghe.com", "https://api.octocorp.ghe.com", TENANT_ISSUER),
        ("https://OCTOCORP.ghe.com/", "https://api.octocorp.ghe.com", TENANT_ISSUER),
        (
            "https://ghe.com.example.com",
            "https://ghe.com.example.com/api/v3",
            "https://ghe.com.example.com/_services/token",
        ),
    ],
)
def test_where_github_is_says_where_its_api_and_its_jobs_tokens_are(
    url: str, api: str, issuer: str
) -> None:
    config = Config.from_environ({"COPPICE_GITHUB_URL": url})

    assert (config.github_api_url, config.oidc_issuer) == (api, issuer)
    assert config.warnings == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://GitHub.com",
        "https://www.github.com/",
        "http://github.com",
        "HTTPS://github.com:443",
    ],
)
def test_github_is_no_server_of_an_enterprise_however_it_is_written(url: str) -> None:
    config = Config.from_environ({"COPPICE_GITHUB_URL": url})

    assert config.github_url == "https://github.com"
    assert config.github_api_url == "https://api.github.com"
    assert config.oidc_issuer == "https://token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("given", "action"),
    [("", "acme/coppice@v1"), ("mirrors/coppice@v1.2", "mirrors/coppice@v1.2")],
)
def test_workflows_use_the_action_by_the_name_that_is_set(given: str, action: str) -> None:
    assert Config.from_environ({"COPPICE_ACTION": given}).action == action
    assert "COPPICE_ACTION: must be" in problems_of({"COPPICE_ACTION": "acme/coppice"})


def test_an_issuer_that_is_set_stays() -> None:
    issuer = "https://token.actions.githubusercontent.com/acme"

    config = Config.from_environ(
        {"COPPICE_GITHUB_URL": "https://github.example.com", "COPPICE_OIDC_ISSUER": issuer}
    )

    assert config.oidc_issuer == issuer


def test_an_empty_variable_counts_as_not_set() -> None:
    config = Config.from_environ({"COPPICE_DATABASE_URL": "", "COPPICE_BIND": " "})

    assert config.database_url is None
    assert config.bind.port == 8000


def test_a_misspelt_variable_is_pointed_out() -> None:
    config = Config.from_environ({"COPPICE_DATABSE_URL": "x", "COPPICE_WHATEVER": "y"})

    assert "Did you mean COPPICE_DATABASE_URL?" in config.warnings[0]
    assert config.warnings[1] == "COPPICE_WHATEVER is not a setting and is ignored."


@pytest.mark.parametrize(
    ("environ", "is_warned"),
    [
        ({"COPPICE_PUBLIC_URL": "http://coppice.example.com"}, True),
        ({"COPPICE_PUBLIC_URL": "http://localhost:8000"}, False),
        ({"COPPICE_PUBLIC_URL": "https://coppice.example.com"}, False),
        ({"COPPICE_BIND": "0.0.0.0:8000"}, True),
        (
            {"COPPICE_BIND": "0.0.0.0:8000", "COPPICE_PUBLIC_URL": "https://coppice.example.com"},
            False,
        ),
    ],
)
def test_a_way_without_tls_is_pointed_out(environ: dict[str, str], is_warned: bool) -> None:
    assert bool(Config.from_environ(environ).warnings) is is_warned


@pytest.mark.parametrize("bind", ["[::1]:8000", "localhost:1", "0.0.0.0:65535"])
def test_a_bind_address_is_written_back_as_it_was(bind: str) -> None:
    assert str(Config.from_environ({"COPPICE_BIND": bind}).bind) == bind


@pytest.mark.parametrize("bind", ["::1:8000", "localhost", "localhost:0", "localhost:x", ":80"])
def test_a_bind_address_needs_host_and_port(bind: str) -> None:
    assert "COPPICE_BIND: " in problems_of({"COPPICE_BIND": bind})


def test_what_follows_from_a_wrong_setting_is_not_reported_beside_it() -> None:
    text = problems_of({"COPPICE_BIND": "nonsense:bind", "COPPICE_GITHUB_URL": "github"})

    assert "COPPICE_BIND: must be HOST:PORT" in text
    assert "COPPICE_GITHUB_URL: must begin with https://" in text
    assert "COPPICE_PUBLIC_URL" not in text
    assert "COPPICE_GITHUB_API_URL" not in text


def test_a_misspelt_variable_is_named_beside_what_it_left_missing(pem: str) -> None:
    text = problems_of(
        {
            "COPPICE_GITHUB_APPID": "17",
            "COPPICE_GITHUB_PRIVATE_KEY": pem,
            "COPPICE_GITHUB_WEBHOOK_SECRETS": "one",
        }
    )

    assert "COPPICE_GITHUB_APP_ID: is missing" in text
    assert "COPPICE_GITHUB_APPID: is not a setting and is ignored." in text
    assert "Did you mean COPPICE_GITHUB_APP_ID?" in text


@pytest.mark.parametrize("days", ["a week", "0", "-1", "3651", "1.5", "9" * 5000, "\u0667"])
def test_a_number_is_asked_for_in_words(days: str) -> None:
    assert problems_of({"COPPICE_RETENTION_DAYS": days}).splitlines()[1:] == [
        "COPPICE_RETENTION_DAYS: must be a whole number of days from 1 to 3650"
    ]


def test_nobody_s_word_is_taken_for_where_people_are_until_proxies_are_counted() -> None:
    assert Config.from_environ({}).proxies == 0
    assert Config.from_environ({"COPPICE_PROXIES": "2"}).proxies == 2
    assert "COPPICE_PROXIES: must be how many proxies" in problems_of({"COPPICE_PROXIES": "all"})


@pytest.mark.parametrize("name", ["SECRET_KEYS", "GITHUB_WEBHOOK_SECRETS", "OPERATORS"])
def test_a_list_with_nothing_in_it_is_a_problem(name: str) -> None:
    assert f"COPPICE_{name}: holds nothing but commas" in problems_of({f"COPPICE_{name}": " , "})
