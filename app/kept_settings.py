"""What commands beside the service need of its settings, and their own shell need not repeat."""

from collections.abc import Mapping

from app.config import PREFIX, Config

# Where its data is, or what concerns one machine alone.
_NOT_KEPT = ("DATABASE_URL", "DATA_DIR", "SECRET_KEYS", "POSTGRES_BIN", "BIND", "ADMIN_TOKEN")
_KEY = PREFIX + "GITHUB_PRIVATE_KEY"
_KEY_FILE = _KEY + "_FILE"
# Whoever sets one of these means something of their own, to which the service's others do not fit.
_TOGETHER = (
    ("GITHUB_URL", "GITHUB_API_URL", "OIDC_ISSUER"),
    ("GITHUB_APP_ID", "GITHUB_PRIVATE_KEY", "GITHUB_PRIVATE_KEY_FILE", "GITHUB_WEBHOOK_SECRETS"),
    ("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"),
)


def to_keep(given: Mapping[str, str], config: Config) -> dict[str, str]:
    """The variables that the service was given, and its address, also where that is the default.

    `config` is what the service made of them. Secrets of the GitHub App are among them.
    """
    left_out = {*(PREFIX + name for name in _NOT_KEPT), _KEY_FILE}
    kept = {
        name: value
        for name, value in given.items()
        if name.startswith(PREFIX) and value.strip() and name not in left_out
    }
    if config.github_private_key is not None:
        kept[_KEY] = config.github_private_key.get_secret_value()
    return {**kept, PREFIX + "PUBLIC_URL": config.public_url}


def completed(given: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, str]:
    """A shell's variables with those that the service kept; what the shell says wins."""
    mine = {name: value for name, value in given.items() if value.strip()}
    overruled = {
        PREFIX + name
        for names in _TOGETHER
        if any(PREFIX + each in mine for each in names)
        for name in names
    }
    return {**{name: kept[name] for name in kept if name not in overruled}, **mine}
