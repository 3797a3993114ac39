"""One PostgreSQL cluster for a whole test session, whatever the number of worker processes."""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from app.postgres.embedded.server import EmbeddedServer

_PREFIX = "coppice-tests-"
# Nothing in a test has to outlive a power cut, and no test waits for a database to be vacuumed.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "256MB",
    # Tests start services and workers of their own side by side, each with some twenty sessions.
    "max_connections": "500",
    # A hash that is slow to guess costs each of some thousand passwords, and each log-in with one.
    "scram_iterations": "1",
    # Else every session that comes to a fence or to the queue loads it for itself.
    "shared_preload_libraries": "plpgsql",
}
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 * 1024**3


def cluster(directory: Path, *, bin_dir: Path | None = None) -> EmbeddedServer:
    return EmbeddedServer(directory / "cluster", bin_dir=bin_dir, settings=SETTINGS)


def new_directory() -> Path:
    """A folder named after this process, so that a later session finds it if this one is killed."""
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_parent()))
    directory.chmod(0o711)  # as root, the server runs as another account
    return directory


def _parent() -> Path:
    """Memory, where there is room and programs may run: creating a database there costs a third."""
    with contextlib.suppress(OSError):
        memory = os.statvfs(_MEMORY)
        has_room = memory.f_bavail * memory.f_frsize >= _ROOM_BYTES
        if has_room and not memory.f_flag & os.ST_NOEXEC and os.access(_MEMORY, os.W_OK):
            return _MEMORY
    return Path(tempfile.gettempdir())


def remove(directory: Path) -> None:
    cluster(directory).destroy()
    shutil.rmtree(directory, ignore_errors=True)


def remove_leftovers() -> None:
    """Stop and remove the clusters of test sessions that were killed."""
    for directory in _parent().glob(f"{_PREFIX}*"):
        pid = directory.name.removeprefix(_PREFIX).split("-")[0]
        # Gone meanwhile: another session may be ending, or doing the same.
        with contextlib.suppress(FileNotFoundError):
            if directory.stat().st_uid == os.geteuid() and not Path("/proc", pid).exists():
                remove(directory)


def remove_servers_below(folder: Path) -> None:
    """Remove the embedded servers that tests started there: their processes outlive the tests."""
    for place, folders, files in os.walk(folder):
        if "lock" in files and ("cluster" in folders or Path(place, "cluster").is_symlink()):
            folders.clear()
            EmbeddedServer(Path(place)).destroy()


def once(directory: Path, name: str, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Run `make` in the first process that asks; all others get its answer."""
    with (directory / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = directory / f"{name}.json"
        if not answer.exists():
            answer.write_text(json.dumps(make()))
            answer.chmod(0o600)
        made: dict[str, str] = json.loads(answer.read_text())
        return made
