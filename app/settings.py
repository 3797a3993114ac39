"""The settings of this process: what the environment and the data directory say."""

import secrets
from collections.abc import Mapping

from pydantic import SecretStr

from app import process_environment
from app.config import Config
from app.kept_settings import completed
from app.machine.data_dir import DataDir, read_or_make, read_or_make_keys


def load_config() -> Config:
    """The settings of this process, with the keys and the token of the data directory filled in.

    Effects: with the embedded state database, makes the data directory, and these if they are
    missing. Raises InvalidConfig, NoDataDir, BrokenKeyFile.
    """
    return _filled_in(Config.from_environ(process_environment.variables()))


def load_config_beside() -> Config:
    """The same for a command, before it has found the state database.

    Servers of its machine are started with the PostgreSQL programs of the service, unless others
    are set.
    """
    config = load_config()
    programs = DataDir(path=config.data_dir).postgres_bin
    if config.postgres_bin is not None or programs is None:
        return config
    return config.model_copy(update={"postgres_bin": programs})


def completed_by(config: Config, kept: Mapping[str, str]) -> Config:
    """A command's settings with those of the service that it is beside, which it was not given.

    Commands are typed in another shell than the one in which the service was given its settings.
    """
    whole = Config.from_environ(completed(process_environment.variables(), kept))
    # Where things are, is known already.
    places = ("database_url", "data_dir", "postgres_bin", "secret_keys", "admin_token")
    return whole.model_copy(update={name: getattr(config, name) for name in places})


def _filled_in(config: Config) -> Config:
    if config.database_url is not None:
        return config
    directory = DataDir(path=config.data_dir)
    directory.make()
    generated: dict[str, object] = {}
    if not config.secret_keys:
        generated["secret_keys"] = read_or_make_keys(directory.secret_keys)
    if config.admin_token is None:
        token = read_or_make(directory.admin_token, lambda: secrets.token_urlsafe(32))
        generated["admin_token"] = SecretStr(token)
    return config.model_copy(update=generated)
