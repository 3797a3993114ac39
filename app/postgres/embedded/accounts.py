"""The operating system account that PostgreSQL runs as: it refuses to run as root."""

import fcntl
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, TypedDict

from app.postgres.embedded.faults import NoAccount

ACCOUNT_NAME = "coppice-postgres"
_ACCOUNTS_FOLDER = "/etc"
_SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_LOCKED_TRIES = 20
_NO_MORE: Mapping[str, str] = MappingProxyType({})


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who owns a cluster's files and runs its server."""

    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()

    def run(
        self,
        command: Sequence[str | Path],
        *,
        log: IO[bytes] | int,
        environment: Mapping[str, str] = _NO_MORE,
    ) -> int:
        """Run a program as this account and return its exit code.

        Output goes to a file and never to a pipe: a server that pg_ctl starts keeps it open, and
        reading such a pipe to its end would wait for the server.
        """
        return subprocess.run(  # noqa: S603 - our own programs and paths
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={"PATH": _SYSTEM_PATH, "LC_ALL": "C", **environment},
            umask=0o077,
            check=False,
            **self._identity(),
        ).returncode

    def can_enter(self, folder: Path) -> bool:
        """Whether this account may reach what is inside the folder."""
        return self.is_us or self.run(["test", "-x", folder], log=subprocess.DEVNULL) == 0

    def own(self, path: Path) -> None:
        if not self.is_us:
            os.chown(path, self.uid, self.gid)

    def _identity(self) -> _Identity:
        if self.is_us:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account_for(cluster: Path) -> Account:
    """Whoever owns the cluster; for a new one ourselves, or as root an account made for it.

    Effects: as root, may create the system account `coppice-postgres`.
    """
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid())
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    entry = _entry()
    if entry is None:
        with _alone():
            entry = _entry() or _made()
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other processes of Coppice from making the account at the same moment.

    Two `useradd` side by side can each write a password file of its own, one over the other; the
    account that the first one saw has then another number, or is gone.
    """
    folder = os.open(_ACCOUNTS_FOLDER, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        return None


def _made() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=_SYSTEM_PATH)
    if useradd is None:
        raise NoAccount(
            "PostgreSQL refuses to run as root, and this system has no `useradd` to make another"
            " account with.",
            advice=f"Add a system account named {ACCOUNT_NAME}, or run as an ordinary user.",
        )
    command = [useradd, "--system", "--no-create-home", "--user-group"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", ACCOUNT_NAME]
    for _ in range(_LOCKED_TRIES):
        answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if entry := _entry():
            return entry
        time.sleep(0.1)  # another process may hold the lock of the password file
    raise NoAccount(
        f"The account {ACCOUNT_NAME} could not be made: {answer.stderr.strip()}",
        advice="Make it by hand, or run Coppice as an ordinary user.",
    )
