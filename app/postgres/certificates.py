"""CA certificates as files, which is how libpq wants them."""

import atexit
import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from app.core.instances import Address, SslMode

# Where systems keep the CAs they trust. libpq's own `system` depends on where its OpenSSL was
# built to look, and the one that is packaged with psycopg was built on another system.
_SYSTEM_CAS = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)
_places: list[Path] = []
_own: dict[int, Path] = {}


def keep_in(folder: Path) -> None:
    """Have this process keep them there; before, and where it cannot, in a folder of its own.

    Nobody cleans up there: in a folder for temporary files, what is old goes.
    """
    _places[:] = [folder.absolute()]


def root_certificate(address: Address) -> str | None:
    """The value of `sslrootcert`, or None where no certificate is looked at.

    Effects: writes the instance's CA to a file that only we can read, unless it is there.
    """
    if address.ca_certificate is not None:
        return str(_ca_file(address.ca_certificate))
    if address.sslmode in (SslMode.VERIFY_CA, SslMode.VERIFY_FULL):
        return next((str(path) for path in _SYSTEM_CAS if path.exists()), "system")
    return None


def _ca_file(pem: str) -> Path:
    """Looked at each time: whatever became of the file, one that is whole is there now."""
    content = pem.encode()
    name = f"ca-{sha256(content).hexdigest()[:32]}.pem"
    for folder in _places:
        with suppress(OSError):  # a full disk, say
            return _written(folder / name, content)
    return _written(_own_folder() / name, content)


def _written(file: Path, content: bytes) -> Path:
    with suppress(FileNotFoundError):
        if file.read_bytes() == content:
            return file
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Another process may do the same: each puts a whole file in its place, and they are alike.
    new = file.with_name(f"{file.name}.{secrets.token_hex(6)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
    return file


def _own_folder() -> Path:
    """A private one, made anew if it went: another account may have taken its name since."""
    pid = os.getpid()  # a fork makes its own, and leaves its parent's alone
    folder = _own.get(pid)
    if folder is None or not folder.is_dir() or folder.stat().st_uid != os.geteuid():
        folder = _own[pid] = Path(tempfile.mkdtemp(prefix="coppice-ca-"))
        atexit.register(_remove, folder, pid)
    return folder


def _remove(folder: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
