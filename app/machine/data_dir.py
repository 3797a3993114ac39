"""The data directory: where the files of the service are, and the id that makes it a host."""

import fcntl
import os
import platform
import secrets
import uuid
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from app.core.errors import CoppiceError
from app.core.identifiers import HostId
from app.setting_values import fernet_key
from app.store.hosts import Here
from app.store.vault import new_key

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux only


class NoDataDir(CoppiceError):
    """The data directory cannot be used."""

    code = "no_data_dir"
    advice = "Set COPPICE_DATA_DIR to a folder that this account may write to."


class BrokenKeyFile(CoppiceError):
    """The file of the secret keys does not hold keys."""

    code = "broken_key_file"
    advice = (
        "Put the keys back, one on a line, from where you keep them: without them nothing that the"
        " state database holds encrypted can be read."
    )


class DataDir:
    """Names of what is inside; nothing exists until it is asked for."""

    def __init__(self, *, path: Path) -> None:
        self.path = path
        self.state = path / "state"
        """The embedded state database."""
        self.instances = path / "instances"
        """One folder for each provisioned instance."""
        self.metrics = path / "metrics"
        """Counters that the processes of one `serve` share."""
        self.restarts = path / "restarts.json"
        """What the `serve` that runs here had to start again."""
        self.certificates = path / "certificates"
        """CAs of instances, for connections to them; each is written again when it is missing."""
        self.serve_lock = path / "serve.lock"
        self.secret_keys = path / "secret-keys"
        self.admin_token = path / "admin-token"
        self.host_id = path / "host-id"
        """Tells this machine from others on the same state database."""
        self._postgres_bin = path / "postgres-bin"

    @property
    def postgres_bin(self) -> Path | None:
        """Where the service that was started here last has its PostgreSQL programs.

        None: it uses those that it was packaged with, or they are not there any more.
        """
        try:
            folder = Path(self._postgres_bin.read_text().strip())
        except FileNotFoundError:
            return None
        return folder if folder.is_absolute() and folder.is_dir() else None

    def keep_postgres_bin(self, folder: Path | None) -> None:
        """Have commands find them; whoever reads it meanwhile finds the earlier ones."""
        if folder is None:
            self._postgres_bin.unlink(missing_ok=True)
            return
        new = self._postgres_bin.with_name(f"{self._postgres_bin.name}.{secrets.token_hex(6)}")
        new.write_text(str(folder.absolute()))
        new.replace(self._postgres_bin)

    def is_served(self) -> bool:
        """Whether a `serve` runs on it."""
        if not self.serve_lock.exists():
            return False
        with self.serve_lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def make(self) -> None:
        # Others may pass through, to the folders of PostgreSQL's own account, and list nothing.
        try:
            self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        except OSError as error:
            raise NoDataDir(f"{self.path} cannot be made: {error.strerror}.") from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise NoDataDir(f"{self.path} cannot be written to by this account.")


def read_or_make(file: Path, make: Callable[[], str]) -> str:
    """The text of a private file, which is made with what `make` returns if there is none.

    Of several processes that do this at once, one makes it and all read the same.
    """
    if not file.exists():
        new = file.with_name(f"{file.name}.{secrets.token_hex(6)}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(make() + "\n")
        try:
            os.link(new, file)
        except FileExistsError:
            pass  # another process was first
        finally:
            new.unlink()
    return file.read_text().strip()


def read_or_make_keys(file: Path) -> tuple[SecretStr, ...]:
    """The secret keys in a file, which is made with one if there is none. Raises BrokenKeyFile."""
    keys = [SecretStr(line) for line in read_or_make(file, new_key).split()]
    try:
        return tuple(fernet_key(key) for key in keys or [SecretStr("")])
    except ValueError as error:
        raise BrokenKeyFile(f"{file} {error}.") from None


def this_host(directory: DataDir) -> Here:
    """The machine of a data directory, which gets an id if it has none."""
    file = directory.host_id
    host_id = read_or_make(file, lambda: secrets.token_hex(6))
    name = f"{platform.node() or 'unnamed'}:{directory.path}"
    return Here(id=HostId(host_id), name=name, place=_place(file))


def _place(file: Path) -> str:
    """Where the file really is: a copy of it is another file, and another kernel another machine.

    Containers of one machine that share a volume are at the same place.
    """
    found = file.stat()
    try:
        kernel = _BOOT_ID.read_text().strip()
    except OSError:
        kernel = f"{uuid.getnode():x}"
    return f"{kernel}:{found.st_dev}:{found.st_ino}"
