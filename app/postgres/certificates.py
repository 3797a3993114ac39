"""CA certificates as files, which is how libpq wants them."""

import atexit
import os
import tempfile
from functools import lru_cache
from pathlib import Path

from app.core.instances import Address, SslMode

# Where systems keep the CAs they trust. libpq's own `system` depends on where its OpenSSL was
# built to look, and the one that is packaged with psycopg was built on another system.
_SYSTEM_CAS = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)


def root_certificate(address: Address) -> str | None:
    """The value of `sslrootcert`, or None where no certificate is looked at.

    Effects: writes the instance's CA to a file that only we can read, removed when the process
    ends.
    """
    if address.ca_certificate is not None:
        return str(_ca_file(address.ca_certificate, pid=os.getpid()))
    if address.sslmode in (SslMode.VERIFY_CA, SslMode.VERIFY_FULL):
        return next((str(path) for path in _SYSTEM_CAS if path.exists()), "system")
    return None


@lru_cache(maxsize=256)
def _ca_file(pem: str, *, pid: int) -> Path:
    descriptor, name = tempfile.mkstemp(prefix="coppice-ca-", suffix=".pem")
    with os.fdopen(descriptor, "w") as file:
        file.write(pem)
    atexit.register(_remove, Path(name), pid)
    return Path(name)


def _remove(path: Path, pid: int) -> None:
    if os.getpid() == pid:  # not in a fork of the process that made it
        path.unlink(missing_ok=True)
