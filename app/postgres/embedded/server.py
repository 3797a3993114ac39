"""A PostgreSQL server of our own: one folder, one process, started when needed."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

from app.core.errors import TransientError
from app.core.instances import Address, AdminLogin, SslMode
from app.postgres.embedded import guard, postmaster, progress
from app.postgres.embedded.binaries import find_binaries
from app.postgres.embedded.cluster import SUPERUSER, open_cluster
from app.postgres.embedded.launch import LOOPBACK, Launch, launch

_STOP_SECONDS = 60.0
_MOMENT_SECONDS = 4.0
# All that a server's folder holds beside the cluster.
_FILES = ("port", "server.log", "server.log.old", "users", "lock", "password")


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A server whose files are below `directory`.

    Any number of processes may start, use and stop the same one. It always listens on 127.0.0.1,
    and on `listen` beside that; `settings` are put over PostgreSQL's own.
    """

    directory: Path
    _: KW_ONLY
    listen: str = LOOPBACK
    bin_dir: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    idle_seconds: float = progress.IDLE_SECONDS
    """A start that gets nowhere for so long has failed."""
    tell: progress.Tell | None = None
    """Hears how far a start is, while somebody waits for it."""

    def start(self, *, at_most_seconds: float | None = None) -> AdminLogin:
        """Make the cluster if there is none, start the server if it does not run.

        Waits for as long as the server makes progress, after a kill that may be minutes.

        Args:
            at_most_seconds: Then gives up; the server goes on, and may be asked for again.

        Returns:
            The superuser's login over loopback.

        Raises:
            NoBinaries, NoAccount, NotOurs, OtherMajor, PortTaken, StartFailed: With what to do
                about it.
            TransientError: It is still starting.
        """
        self._home.mkdir(mode=0o711, parents=True, exist_ok=True)
        watch = self._watch(at_most_seconds)
        with guard.locked(self._home / "lock", while_waiting=watch.look):
            watch.is_logged = True  # others only wait for this process
            if not postmaster.is_ready(self._data, while_waiting=watch.look):
                cluster = open_cluster(self._home, find_binaries(self.bin_dir))
                if cluster.exists():
                    cluster.check_major()
                else:
                    cluster.create(is_durable=self.settings.get("fsync") != "off")
                request = Launch(
                    listen=self.listen, settings=self.settings, while_waiting=watch.look
                )
                launch(cluster, request)
        return self._login()

    def revive(self) -> None:
        """The same for a supervisor, which has others to look after: waits for a moment only."""
        with contextlib.suppress(TransientError):
            self.start(at_most_seconds=_MOMENT_SECONDS)

    def starting(self) -> str | None:
        """How far a server is that runs and takes no connections yet, for a person."""
        signs = None if postmaster.is_up(self._data) else progress.signs_of(self._data)
        if signs is None:
            return None
        return f"replaying {signs.segment}" if signs.segment else "starting"

    def _watch(self, at_most_seconds: float | None) -> progress.Watch:
        return progress.Watch(
            data=self._data,
            log_file=self._home / "server.log",
            idle_seconds=self.idle_seconds,
            at_most_seconds=at_most_seconds,
            tell=self.tell,
        )

    def stop(self) -> None:
        """End the server, cutting its sessions. Does nothing if it does not run.

        Raises:
            StopFailed: It still runs after a minute.
        """
        if self._home.exists():
            with self._locked():
                postmaster.stop(self._data, timeout_seconds=_STOP_SECONDS)

    def destroy(self) -> None:
        """Stop the server and remove all its data. Cannot be undone.

        Removes the server's own files by their names and nothing else: a folder that is not a
        server's, given by mistake, stays as it is.
        """
        cluster = self._home / "cluster"
        if not (self._home / "password").is_file():
            return  # the first file of a server's folder and the last to go
        with self._locked():
            postmaster.stop(self._data, timeout_seconds=_STOP_SECONDS)
            if self._data.exists():
                # Renamed first: a removal that is interrupted must not look like a cluster.
                self._data.rename(self._data.with_name("data.gone"))
            if cluster.is_symlink() or cluster.is_dir():
                shutil.rmtree(cluster.resolve(), ignore_errors=True)
            if cluster.is_symlink():
                cluster.unlink()
            for name in _FILES:
                (self._home / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # somebody else keeps something here
            self._home.rmdir()

    def is_running(self) -> bool:
        return postmaster.running_pid(self._data) is not None

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep others from stopping the server as unused; many processes may hold at once."""
        self._home.mkdir(mode=0o711, parents=True, exist_ok=True)
        with guard.held(self._home / "users"):
            yield

    def stop_if_unused(self) -> bool:
        """Stop the server unless somebody holds it, this process included; say whether."""
        if not self._home.exists():
            return False
        with guard.unused(self._home / "users") as is_unused:
            if is_unused:
                self.stop()
        return is_unused

    @property
    def _home(self) -> Path:
        return self.directory.resolve()

    @property
    def _data(self) -> Path:
        return (self._home / "cluster").resolve() / "data"

    def _locked(self) -> AbstractContextManager[None]:
        return guard.locked(self._home / "lock")

    def _login(self) -> AdminLogin:
        port = int((self._home / "port").read_text())
        address = Address(host=LOOPBACK, port=port, sslmode=SslMode.DISABLE)
        password = (self._home / "password").read_text()
        return AdminLogin(address=address, user=SUPERUSER, password=password)
