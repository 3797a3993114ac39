"""The files of a cluster of our own: where they are, and how they come to be."""

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from app.postgres.embedded.accounts import Account, account_for
from app.postgres.embedded.binaries import Binaries
from app.postgres.embedded.faults import NotOurs, OtherMajor, StartFailed
from app.postgres.embedded.progress import last_words
from app.postgres.passwords import scram_verifier

SUPERUSER = "postgres"
_ELSEWHERE = Path("/var/lib/coppice")
_FIRST_BUILTIN_LOCALE = 17

# Written to postgresql.conf, where an operator may change them.
_SETTINGS = {
    "max_connections": "200",
    # Sessions that only the service may take, for when tenants have taken all others.
    "reserved_connections": "5",
    # After a crash the default opens every file one by one: minutes with thousands of databases.
    "recovery_init_sync_method": "syncfs",
    # A statement that fails may hold a password or a tenant's data: keep it out of the log.
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster's folder and what is beside it."""

    directory: Path
    folder: Path
    account: Account
    binaries: Binaries

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log_file(self) -> Path:
        return self.directory / "server.log"

    @property
    def password_file(self) -> Path:
        return self.directory / "password"

    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def check_major(self) -> None:
        """Raise OtherMajor where the programs do not read the data."""
        made_by = int((self.data / "PG_VERSION").read_text())
        if made_by != self.binaries.major:
            raise OtherMajor(self.data, data=made_by, programs=self.binaries.major)

    def create(self, *, is_durable: bool) -> None:
        """Run initdb. A cluster that is there is whole: it gets its name as the last act.

        `is_durable` waits until it is on disk.
        """
        password = secrets.token_urlsafe(32)
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        _write_private(self.password_file, password)
        handed_over = self.folder / "password"
        # PostgreSQL takes a verifier where it takes a password. Iterations make a guess cost more;
        # nobody guesses this one, and every session of the service would pay for them.
        _write_private(handed_over, scram_verifier(password, iterations=1))
        self.account.own(handed_over)
        try:
            self._initdb(unfinished, handed_over, is_durable=is_durable)
        finally:
            handed_over.unlink()
        unfinished.rename(self.data)

    def _initdb(self, data: Path, password_file: Path, *, is_durable: bool) -> None:
        command: list[str | Path] = [self.binaries.program("initdb"), "-D", data, "-U", SUPERUSER]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"]
        command += ["--data-checksums", *_locale(self.binaries.major)]
        command += [] if is_durable else ["--no-sync"]
        for name, value in _SETTINGS.items():
            command += ["--set", f"{name}={value}"]
        with self.log_file.open("ab") as log:
            start = log.tell()
            code = self.account.run(command, log=log)
        if code != 0:
            raise StartFailed(
                "The embedded PostgreSQL's data folder could not be made",
                log_file=self.log_file,
                last_words=self.last_words(start),
            )

    def last_words(self, start: int) -> str:
        """The last lines that were logged since the file had `start` bytes."""
        return last_words(self.log_file, start)


def open_cluster(directory: Path, binaries: Binaries) -> Cluster:
    """Find or make the place of a cluster; does not make the cluster itself.

    As root the server runs as another account, which must be able to reach its data. Where the
    folders above keep that account out, the data goes below /var/lib/coppice, with a link to it
    left in `directory`; their modes are not touched.
    """
    place = directory / "cluster"
    account = account_for(place)
    if not place.is_symlink() and not place.exists():
        if account.can_enter(directory):
            place.mkdir(mode=0o700)
        else:
            place.symlink_to(_folder_elsewhere(directory.name))
    folder = place.resolve()
    if folder.stat().st_uid not in (account.uid, 0):
        raise NotOurs(f"{folder} belongs to another account.")
    account.own(folder)
    if not account.can_enter(binaries.folder):
        shared = directory.parent if folder.parent == directory else folder.parent
        binaries = binaries.copied_below(shared)
    return Cluster(directory=directory, folder=folder, account=account, binaries=binaries)


def _folder_elsewhere(name: str) -> Path:
    folder = _ELSEWHERE / f"{name}-{secrets.token_hex(6)}"
    _ELSEWHERE.mkdir(mode=0o711, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    return folder


def _locale(major: int) -> list[str]:
    if major < _FIRST_BUILTIN_LOCALE:
        return ["--locale-provider=libc", "--locale=C.UTF-8"]
    return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]


def _write_private(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
