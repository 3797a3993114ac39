"""Which machine this is: the id in its data directory, and what tells a copy of that from it."""

import platform
import secrets
import uuid
from pathlib import Path

from app.core.identifiers import HostId
from app.machine.data_dir import DataDir, read_or_make
from app.store.hosts import Here

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # Linux only


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
