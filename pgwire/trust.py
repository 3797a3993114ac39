"""Which certificates of a database server are trusted."""

from __future__ import annotations

import ssl
from pathlib import Path

_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/cert.pem",  # macOS
)


def certificate_context(sslmode: str, *, ca_certificate: str | None) -> ssl.SSLContext:
    """Make the TLS side of an sslmode.

    `require` with a CA checks the chain, as libpq does. Without a CA the system's are trusted.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = sslmode == "verify-full"
    if sslmode.startswith("verify-") or ca_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        _load(context, ca_certificate)
    else:
        context.verify_mode = ssl.CERT_NONE
    return context


def system_bundle() -> str:
    """Find the file of public authorities; `system` where only libpq 16 or newer knows."""
    own = ssl.get_default_verify_paths().cafile
    candidates = (*((own,) if own else ()), *_SYSTEM_BUNDLES)
    return next((path for path in candidates if Path(path).is_file()), "system")


def _load(context: ssl.SSLContext, ca_certificate: str | None) -> None:
    if ca_certificate:
        # Comments between the certificates may be in any language; Python takes ASCII alone.
        context.load_verify_locations(cadata=ca_certificate.encode("ascii", "ignore").decode())
        return
    context.load_default_certs()
    if not context.cert_store_stats()["x509_ca"] and system_bundle() != "system":
        context.load_verify_locations(cafile=system_bundle())
