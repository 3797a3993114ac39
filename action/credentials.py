"""Credentials that the service answers with: each value checked, and all of them consistent.

A service that was taken over, or someone in between, must not be able to add lines to the job's
environment, point a part of the variables at another server, or smuggle options into a URL.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIRED = (
    "PGHOST",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGSSLMODE",
    "DATABASE_URL",
    "COPPICE_ENVIRONMENT",
    "COPPICE_DATABASE",
)
# Of services that are older than the Action it is absent.
ROLE = "COPPICE_ROLE"
_POOLED = "DATABASE_URL_POOLED"
OPTIONAL = (_POOLED, "PRISMA_ACCELERATE_URL")

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_PASSWORD = re.compile(r"[A-Za-z0-9]{32,256}")
_SSLMODE = re.compile(r"disable|allow|prefer|require|verify-ca|verify-full")
_MARKER = re.compile(r"[0-9a-f]{16,256}")
_ACCELERATE = re.compile(r"prisma(?:\+postgres)?://[!-~]{8,4000}")
_VISIBLE = re.compile(r"[!-~]{1,8000}")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n")
# What a URL may carry beside the address. libpq would let `host`, `user` or `service` here replace
# what stands before the question mark.
_QUERY = {
    "sslmode": _SSLMODE,
    "pgbouncer": re.compile("true|false"),
    "connect_timeout": re.compile("[0-9]{1,3}"),
}


class InvalidReply(Exception):
    """The service's answer is not what the protocol allows; `str()` never quotes it."""


@dataclass(frozen=True)
class Address:
    """Where a URL leads."""

    host: str
    port: int
    sslmode: str


@dataclass(frozen=True)
class Credentials:
    """One database's login, as the command will see it."""

    variables: Mapping[str, str] = field(repr=False)
    marker: str
    ca_certificate: str | None
    ignored: int
    """How many variables were left out because this version does not know them."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must not show."""
        names = ("PGPASSWORD", "DATABASE_URL", *OPTIONAL)
        return tuple(self.variables[name] for name in names if name in self.variables)

    @property
    def direct(self) -> Address:
        """The server itself."""
        values = self.variables
        return Address(
            host=values["PGHOST"], port=int(values["PGPORT"]), sslmode=values["PGSSLMODE"]
        )

    @property
    def pooled(self) -> Address | None:
        """The pooler, when there is one."""
        url = self.variables.get("DATABASE_URL_POOLED")
        return _address(url, default_sslmode=self.direct.sslmode) if url else None

    def without_pooler(self) -> Credentials:
        """The same for who does without."""
        kept = {name: value for name, value in self.variables.items() if name != _POOLED}
        return replace(self, variables=kept)


def credentials_in(reply: dict[str, Any], *, environment: str, database: str) -> Credentials:
    """Read and cross-check a `go` answer. Raises InvalidReply."""
    sent = reply.get("variables")
    if not isinstance(sent, dict):
        raise InvalidReply("`variables` is missing")
    known = {name: sent[name] for name in (*REQUIRED, ROLE, *OPTIONAL) if name in sent}
    missing = [name for name in REQUIRED if name not in known]
    if missing:
        raise InvalidReply(f"{', '.join(missing)} is missing")
    for name, value in known.items():
        if not isinstance(value, str) or not _VISIBLE.fullmatch(value):
            raise InvalidReply(f"{name} is malformed")
    _check_parts(known, environment=environment, database=database)
    _check_urls(known)
    return Credentials(
        variables=known,
        marker=_marker(reply),
        ca_certificate=_certificate(reply),
        ignored=len(sent) - len(known),
    )


def _check_parts(values: Mapping[str, str], *, environment: str, database: str) -> None:
    patterns = {"PGPORT": _PORT, "PGUSER": _USER, "PGPASSWORD": _PASSWORD, "PGSSLMODE": _SSLMODE}
    for name, pattern in patterns.items():
        if not pattern.fullmatch(values[name]):
            raise InvalidReply(f"{name} is malformed")
    if ROLE in values and not _USER.fullmatch(values[ROLE]):
        raise InvalidReply(f"{ROLE} is malformed")
    if not _is_host(values["PGHOST"]) or int(values["PGPORT"]) > 65535:
        raise InvalidReply("PGHOST or PGPORT is malformed")
    if {values["PGDATABASE"], values["COPPICE_DATABASE"]} != {database}:
        raise InvalidReply("its variables name another database")
    if values["COPPICE_ENVIRONMENT"] != environment:
        raise InvalidReply("its variables name another environment")


def _check_urls(values: Mapping[str, str]) -> None:
    for name in ("DATABASE_URL", "DATABASE_URL_POOLED"):
        if name in values:
            _check_url(name, values)
    address = _address(values["DATABASE_URL"], default_sslmode=values["PGSSLMODE"])
    expected = Address(
        host=values["PGHOST"].lower(), port=int(values["PGPORT"]), sslmode=values["PGSSLMODE"]
    )
    if address != expected:
        raise InvalidReply("DATABASE_URL contradicts the other variables")
    accelerate = values.get("PRISMA_ACCELERATE_URL")
    if accelerate is not None and not _ACCELERATE.fullmatch(accelerate):
        raise InvalidReply("PRISMA_ACCELERATE_URL is malformed")


def _check_url(name: str, values: Mapping[str, str]) -> None:
    try:
        parts = urlsplit(values[name])
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidReply(f"{name} is malformed") from None
    if parts.scheme not in ("postgresql", "postgres") or parts.fragment or not _is_host(host or ""):
        raise InvalidReply(f"{name} is malformed")
    login = (unquote(parts.username or ""), unquote(parts.password or ""), unquote(parts.path[1:]))
    if login != (values["PGUSER"], values["PGPASSWORD"], values["PGDATABASE"]):
        raise InvalidReply(f"{name} contradicts the other variables")
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key not in _QUERY or not _QUERY[key].fullmatch(value):
            raise InvalidReply(f"{name} carries an option that is not allowed")


def _address(url: str, *, default_sslmode: str) -> Address:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return Address(
        host=parts.hostname or "",
        port=parts.port or 5432,
        sslmode=options.get("sslmode", default_sslmode),
    )


def _is_host(value: str) -> bool:
    if _HOST.fullmatch(value):
        return True
    try:
        return ipaddress.ip_address(value).version == 6 and "%" not in value
    except ValueError:
        return False


def _marker(reply: dict[str, Any]) -> str:
    marker = reply.get("marker")
    if not isinstance(marker, str) or not _MARKER.fullmatch(marker):
        raise InvalidReply("`marker` is missing or malformed")
    return marker


def _certificate(reply: dict[str, Any]) -> str | None:
    certificate = reply.get("ca_certificate")
    if certificate is None:
        return None
    if not isinstance(certificate, str) or len(certificate) > 500_000:
        raise InvalidReply("`ca_certificate` is malformed")
    # Bundles often carry remarks between the certificates; only the certificates are kept.
    pem = "".join(_PEM.findall(certificate.replace("\r\n", "\n") + "\n"))
    try:
        if not pem:
            raise InvalidReply("`ca_certificate` holds no certificate")
        ssl.create_default_context(cadata=pem)
    except ssl.SSLError:
        raise InvalidReply("`ca_certificate` is not a certificate") from None
    return pem
