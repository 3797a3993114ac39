"""Settings: what the environment says, checked, with every problem reported at once."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from app import setting_values as values
from app.core.errors import CoppiceError
from app.core.pages import GITHUB_URL, api_of, issuer_of
from app.core.workflow_file import ACTION
from app.setting_values import Bind

PREFIX = "COPPICE_"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_APP_NEEDS = ("COPPICE_GITHUB_APP_ID", "COPPICE_GITHUB_WEBHOOK_SECRETS")
_KEY = "COPPICE_GITHUB_PRIVATE_KEY"
_CLIENT = ("COPPICE_GITHUB_CLIENT_ID", "COPPICE_GITHUB_CLIENT_SECRET")


class InvalidConfig(CoppiceError):
    """The settings cannot be used; each problem names its variable and shows no value."""

    code = "invalid_config"
    advice = "Correct these variables and start again; docs/operating.md describes each."

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(["The settings cannot be used:", *problems]))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubApp:
    """How the service proves to GitHub that it is the App, and how GitHub proves itself."""

    app_id: int
    private_key: SecretStr
    webhook_secrets: tuple[SecretStr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubLogin:
    """The App's OAuth client, by which people sign in to the dashboard."""

    client_id: str
    client_secret: SecretStr


List = BeforeValidator(values.comma_separated)
Url = Annotated[str, AfterValidator(values.base_url)]
_APP_ID = values.whole_number(1, 2**63 - 1, words="the number that the App's page at GitHub shows")
_PROXIES = values.whole_number(0, 9, words="how many proxies are in front, from 0 to 9")
_DAYS = values.whole_number(1, 3650, words="a whole number of days from 1 to 3650")


class Config(BaseModel):
    """Every setting. Secrets are `SecretStr`: they show in no repr and no message."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=lambda name: PREFIX + name.upper(),
        hide_input_in_errors=True,
    )

    database_url: Annotated[SecretStr, AfterValidator(values.postgres_url)] | None = None
    """None: the embedded state database."""
    data_dir: Annotated[Path, AfterValidator(Path.resolve)] = Field(
        default=Path(".coppice"), validate_default=True
    )
    postgres_bin: Annotated[Path, AfterValidator(values.postgres_folder)] | None = None
    secret_keys: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(values.fernet_key)], ...], List
    ] = ()
    """Newest first. Empty with the embedded state database: bootstrap generates one."""
    bind: Annotated[Bind, BeforeValidator(Bind.parse)] = Bind(host="127.0.0.1", port=8000)
    public_url: Annotated[str, AfterValidator(values.root_url)] = ""
    """Without a trailing slash; never empty once loaded."""
    proxies: Annotated[int, BeforeValidator(_PROXIES)] = 0
    """How many proxies in front each add who asked them to `X-Forwarded-For`."""
    github_app_id: Annotated[int, BeforeValidator(_APP_ID)] | None = None
    github_private_key: Annotated[SecretStr, AfterValidator(values.rsa_key)] | None = None
    github_webhook_secrets: Annotated[tuple[SecretStr, ...], List] = ()
    github_client_id: str | None = None
    github_client_secret: SecretStr | None = None
    github_url: Annotated[str, AfterValidator(values.github_url)] = GITHUB_URL
    github_api_url: Url = ""
    """Never empty once loaded."""
    oidc_issuer: Url = ""
    """Never empty once loaded."""
    admin_token: Annotated[SecretStr, AfterValidator(values.long_secret)] | None = None
    operators: Annotated[tuple[Annotated[str, AfterValidator(values.operator)], ...], List] = ()
    """Logins and `org/team` slugs, lower case."""
    retention_days: Annotated[int, BeforeValidator(_DAYS)] = 7
    action: Annotated[str, AfterValidator(values.action)] = ACTION
    """What workflows use, for those that are shown to copy: a fork or a mirror has its own name."""
    warnings: tuple[str, ...] = Field(default=(), alias="warnings")
    """What is allowed and probably not meant, in a person's words."""

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)

    @property
    def github_app(self) -> GitHubApp | None:
        if self.github_app_id is None or self.github_private_key is None:
            return None
        return GitHubApp(
            app_id=self.github_app_id,
            private_key=self.github_private_key,
            webhook_secrets=self.github_webhook_secrets,
        )

    @property
    def github_login(self) -> GitHubLogin | None:
        if self.github_client_id is None or self.github_client_secret is None:
            return None
        return GitHubLogin(client_id=self.github_client_id, client_secret=self.github_client_secret)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings; a variable that is empty counts as not set.

        Reads the file that COPPICE_GITHUB_PRIVATE_KEY_FILE names.

        Raises:
            InvalidConfig: With all problems, each with the variable's name.
        """
        given = {
            name: value.strip()
            for name, value in environ.items()
            if name.startswith(PREFIX) and value.strip()
        }
        problems = _missing(given)
        try:
            config = cls.model_validate(_with_key_file(given, problems))
        except ValidationError as error:
            problems += _described(error)
        if problems:
            # A name that is misspelt is often why another is missing.
            unknown = [f"{name}: {words}" for name, words in _unknown(given)]
            raise InvalidConfig(sorted([*problems, *unknown]))
        config = config.model_copy(update=_defaults(config))
        return config.model_copy(update={"warnings": _warnings(config, given)})


def _defaults(config: Config) -> dict[str, str]:
    """What follows from other settings; only from good ones, so that nothing is reported twice."""
    defaults = {}
    if not config.public_url:
        defaults["public_url"] = f"http://{config.bind}"
    if not config.oidc_issuer:
        defaults["oidc_issuer"] = issuer_of(config.github_url)
    if not config.github_api_url:
        defaults["github_api_url"] = api_of(config.github_url)
    return defaults


def _missing(given: Mapping[str, str]) -> list[str]:
    problems = []
    if PREFIX + "DATABASE_URL" in given and PREFIX + "SECRET_KEYS" not in given:
        problems.append(
            "COPPICE_SECRET_KEYS: is required with COPPICE_DATABASE_URL. Make one with:"
            ' python -c "from cryptography.fernet import Fernet;'
            ' print(Fernet.generate_key().decode())"'
        )
    keys = {_KEY, _KEY + "_FILE"} & set(given)
    if len(keys) == 2:
        problems.append(f"{_KEY}: set either this or {_KEY}_FILE, not both")
    app_parts = [name for name in _APP_NEEDS if name in given]
    if app_parts or keys:
        problems += [
            f"{name}: is missing; the GitHub App needs it together with the other settings"
            for name in _APP_NEEDS
            if name not in given
        ]
        if not keys:
            problems.append(f"{_KEY}: is missing (or {_KEY}_FILE); the GitHub App needs it")
    if len(client := [name for name in _CLIENT if name in given]) == 1:
        absent = next(name for name in _CLIENT if name not in client)
        problems.append(f"{absent}: is missing; it goes with {client[0]}")
    return problems


def _with_key_file(given: dict[str, str], problems: list[str]) -> dict[str, str]:
    name = _KEY + "_FILE"
    if name not in given:
        return given
    try:
        return {**given, _KEY: Path(given[name]).read_text()}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        problems.append(f"{name}: cannot be read: {reason}")
        return given


def _described(error: ValidationError) -> list[str]:
    # Only the message, never the input: it may be a secret.
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = {
        f"{detail['loc'][0]}: {detail['msg'].removeprefix('Value error, ')}" for detail in found
    }
    return sorted(lines)


def _unknown(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Names that are no settings, each with what to say about it."""
    known = [PREFIX + name.upper() for name in Config.model_fields if name != "warnings"]
    known.append(_KEY + "_FILE")
    for name in sorted(set(given) - set(known)):
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        hint = f" Did you mean {close[0]}?" if close else ""
        yield name, f"is not a setting and is ignored.{hint}"


def _warnings(config: Config, given: Mapping[str, str]) -> tuple[str, ...]:
    warnings = [f"{name} {words}" for name, words in _unknown(given)]
    url = urlsplit(config.public_url)
    if PREFIX + "PUBLIC_URL" not in given:
        if config.bind.host not in _LOOPBACK:
            warnings.append(
                "COPPICE_BIND is open to other machines, but COPPICE_PUBLIC_URL does not say under"
                " which https address they reach the service."
            )
    elif url.scheme == "http" and url.hostname not in _LOOPBACK:
        warnings.append(
            "COPPICE_PUBLIC_URL is not https: tokens and passwords would travel unprotected, and"
            " the Action refuses it. Put a proxy with TLS in front."
        )
    return tuple(warnings)
