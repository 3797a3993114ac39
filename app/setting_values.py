"""What a single setting may look like. Messages never repeat the value: it may be a secret."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from app.core.pages import GITHUB_URL, is_public_github
from app.core.workflow_file import is_action

SHORTEST_SECRET = 16
# A login may have an underscore where an enterprise manages its accounts; a slug may too.
_OPERATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9_.-]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Where the web server listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: object) -> Self:
        host, _, port = str(text).rpartition(":")
        is_bracketed = host.startswith("[") and host.endswith("]")
        if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ValueError("must be HOST:PORT, as in 127.0.0.1:8000")
        if ":" in host and not is_bracketed:
            raise ValueError("an IPv6 address needs brackets, as in [::1]:8000")
        return cls(host=host.strip("[]"), port=int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def comma_separated(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = tuple(part.strip() for part in value.split(",") if part.strip())
    if not parts:
        raise ValueError("holds nothing but commas")
    return parts


def whole_number(lowest: int, highest: int, *, words: str) -> Callable[[object], object]:
    """A check for a number between these two; `words` say what it must be."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        is_number = value.isascii() and value.isdecimal() and len(value) <= len(str(highest))
        if not is_number or not lowest <= int(value) <= highest:
            raise ValueError(f"must be {words}")
        return int(value)

    return read


def postgres_url(value: SecretStr) -> SecretStr:
    try:
        url = urlsplit(value.get_secret_value())
        is_good = url.scheme in ("postgresql", "postgres") and bool(url.path.strip("/"))
        _ = url.port
    except ValueError:
        is_good = False
    if not is_good:
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return value


def postgres_folder(value: Path) -> Path:
    if not os.access(value / "postgres", os.X_OK):
        raise ValueError("must be a folder that holds the PostgreSQL programs (`postgres`, ...)")
    return value.resolve()


def fernet_key(value: SecretStr) -> SecretStr:
    try:
        Fernet(value.get_secret_value())
    except ValueError:
        raise ValueError("holds something that is not a Fernet key") from None
    return value


def rsa_key(value: SecretStr) -> SecretStr:
    """The PEM text, also from an environment file that writes its newlines as `\\n`."""
    text = value.get_secret_value().replace("\\n", "\n")
    if not _is_rsa(text):
        raise ValueError("must be the RSA private key in PEM that GitHub made for the App")
    return SecretStr(text)


def _is_rsa(pem: str) -> bool:
    # Only the form: checking the numbers takes longer than most commands, and who signs tries it.
    try:
        key = load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return isinstance(key, RSAPrivateKey)


def long_secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(f"must have at least {SHORTEST_SECRET} characters")
    return value


def operator(value: str) -> str:
    """A login or an `org/team` slug in lower case, as GitHub compares them."""
    if not _OPERATOR.fullmatch(value):
        raise ValueError("must list GitHub logins and teams, as in octocat,acme/platform")
    return value.lower()


def action(value: str) -> str:
    if not is_action(value):
        raise ValueError("must be what `uses:` names in a workflow, as in acme/coppice@v1")
    return value


def base_url(value: str) -> str:
    """An http(s) URL of a server or a path on it, without a trailing slash."""
    if not value:
        return value
    try:
        url = urlsplit(value)
        _ = url.port
    except ValueError:
        raise ValueError("must be a URL, as in https://coppice.example.com") from None
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("must begin with https:// (or http://) and name a host")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("must hold no user name, password, ? or #")
    return value.rstrip("/")


def github_url(value: str) -> str:
    """Where GitHub is: its root, with the host in lower case; github.com in one spelling."""
    url = base_url(value)
    if is_public_github(url):
        return GITHUB_URL
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.lower()).geturl()


def root_url(value: str) -> str:
    """The same without a path: pages, sessions and webhooks are at the root of their host."""
    url = base_url(value)
    if urlsplit(url).path:
        raise ValueError(
            "must hold no path: Coppice needs a host name (or a port) of its own, as in"
            " https://coppice.example.com"
        )
    return url
