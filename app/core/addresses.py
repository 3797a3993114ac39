"""Addresses of servers as people write them."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from app.core.errors import Invalid
from app.core.instances import Address, AdminLogin, InstanceKind, SslMode

DEFAULT_PORT = 5432
SCHEMES = {"postgresql": InstanceKind.LINKED, "postgres": InstanceKind.LINKED}
"""What kind of instance a URL links."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
# A host name or an IP address. It is put into URLs and environment variables of other machines.
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45}")

# None of them can stand in a login as it is.
_ENDS_A_LOGIN = re.compile(r"[/?#\[\]]")


def check_instance_name(name: str) -> None:
    """Raise Invalid unless the name also does as a folder's name."""
    if not _NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} is not a name for an instance.",
            advice="Use up to 40 lower case letters, digits and hyphens, as in `main`.",
        )


def check_host(host: str) -> str:
    """Return the host, or raise Invalid."""
    if not _HOST.fullmatch(host):
        raise Invalid(
            f"{host!r} is not a host name or IP address.",
            advice="Write it alone, without a port or an address around it, as in db.example.com.",
        )
    return host


def is_loopback(host: str) -> bool:
    """Whether only the machine itself reaches this host; a name like `127.0.0.1.example` is not."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_verified(address: Address) -> bool:
    """Whether nobody but the server itself can be at the other end.

    With `verify-ca` alone, whoever has any certificate of a public CA could be.
    """
    has_own_ca = address.ca_certificate is not None
    return address.sslmode is SslMode.VERIFY_FULL or (
        address.sslmode is SslMode.VERIFY_CA and has_own_ca
    )


def parse_server_url(text: str) -> tuple[AdminLogin, SslMode | None]:
    """The login that a URL describes, and the sslmode if it names one.

    The messages never repeat the URL: it holds a password.
    """
    if "\0" in unquote(text):  # no server takes it, and nothing stores it
        raise Invalid("The URL of the server cannot be read.", advice=_EXAMPLE)
    if _is_ambiguous(text):
        raise Invalid(
            "The URL of the server can be read in two ways: it holds a special character that is"
            " not encoded, most likely in the password, so nobody can tell where the host begins.",
            advice="In user and password write %40 for @, %2F for /, %23 for #, %3F for ?, %5B for"
            " [ and %5D for ], or fill in the fields on the dashboard instead.",
        )
    try:
        url = urlsplit(text)
    except ValueError:
        raise Invalid("The URL of the server cannot be read.", advice=_EXAMPLE) from None
    port = _port(url)
    problem = _problem(url)
    if problem:
        raise Invalid(f"The URL of the server {problem}.", advice=_EXAMPLE)
    options = dict(parse_qsl(url.query))
    sslmode = _sslmode(options.pop("sslmode", None))
    if options:
        raise Invalid(
            f"The URL has options that are not supported: {', '.join(sorted(options))}.",
            advice="Only ?sslmode= is read from the URL; a CA has a place of its own (--ca-file).",
        )
    address = Address(host=url.hostname or "", port=port, sslmode=sslmode or SslMode.PREFER)
    login = AdminLogin(
        address=address,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
        maintenance_database=unquote(url.path.strip("/")) or "postgres",
    )
    return login, sslmode


def kind_of(url: str) -> InstanceKind:
    """What a URL links that `parse_server_url` has taken."""
    return SCHEMES[urlsplit(url).scheme]


_EXAMPLE = "Write it as postgresql://admin:password@db.internal:5432/postgres."


def _is_ambiguous(text: str) -> bool:
    """Whether programs would look for the host in different places.

    libpq ends the login at the first `@`, unless a `/` comes before; others at the last one.
    https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
    """
    login, at, rest = text.partition("://")[2].partition("@")
    return "#" in rest or "@" in rest or bool(at and _ENDS_A_LOGIN.search(login))


def _port(url: SplitResult) -> int:
    try:
        port = url.port
    except ValueError:
        port = 0
    if port == 0:
        raise Invalid(
            "The port in the URL is not a port number.",
            advice="A port is a number from 1 to 65535.",
        )
    return port or DEFAULT_PORT


def _problem(url: SplitResult) -> str | None:
    if url.scheme not in SCHEMES:
        return "must begin with postgresql://"
    if not _HOST.fullmatch(url.hostname or ""):
        return "names no host that can be used"
    if not url.username:
        return "names no user"
    if not url.password:
        return "has no password"
    return None


def _sslmode(text: str | None) -> SslMode | None:
    if text is None:
        return None
    try:
        return SslMode(text)
    except ValueError:
        known = ", ".join(SslMode)
        raise Invalid("The URL's sslmode is not known.", advice=f"Use one of {known}.") from None
