"""A server of our own: any number of starters, sudden deaths, root and ordinary users."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from app.core.errors import TransientError
from app.core.instances import AdminLogin
from app.postgres.embedded import postmaster
from app.postgres.embedded.binaries import find_binaries
from app.postgres.embedded.faults import NoBinaries, OtherMajor, PortTaken, StartFailed
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.embedded.tenant_cluster import prepare_tenant_cluster
from app.postgres.sessions import admin_login, connect
from tests.integration.replaying import ROWS, Brake, make_changes, startup_processes

FAST = {"fsync": "off"}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
FOR_ALL = pytest.mark.skipif(
    not all(folder.stat().st_mode & 0o001 for folder in Path(__file__).parents),
    reason="another account cannot enter the folders above this checkout",
)
NewServer = Callable[..., EmbeddedServer]


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="coppice-embedded-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_server(place: Path) -> Iterator[NewServer]:
    with ExitStack() as servers:

        def new(directory: Path = place / "server", **options: object) -> EmbeddedServer:
            server = EmbeddedServer(directory, settings=FAST, **options)  # type: ignore[arg-type]
            servers.callback(server.destroy)
            return server

        yield new


def process_of(server: EmbeddedServer) -> int:
    pid = postmaster.running_pid((server.directory / "cluster").resolve() / "data")
    assert pid is not None
    return pid


def kill(server: EmbeddedServer) -> None:
    os.kill(process_of(server), signal.SIGKILL)
    while server.is_running():
        time.sleep(0.01)


def answer(login: AdminLogin, query: str) -> object:
    with connect(admin_login(login)) as session:
        row = session.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def start_elsewhere(directory: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.integration.postgres.starter", str(directory)]
    command += options
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def port_from(process: "subprocess.Popen[str]") -> int:
    assert process.stdout
    return int(process.stdout.readline())


def test_starting_twice_gives_one_server(new_server: NewServer) -> None:
    server = new_server()

    first, pid = server.start(), process_of(server)
    second = server.start()

    assert (second, process_of(server)) == (first, pid)


def test_a_killed_server_starts_again_with_its_data(new_server: NewServer) -> None:
    server = new_server()
    login = server.start()
    with connect(admin_login(login)) as session:
        session.execute("CREATE TABLE public.kept (a int)")
        kill(server)  # with a session open, which outlives its server for a moment

        again = server.start()

    assert again == login
    assert answer(again, "SELECT count(*) FROM public.kept") == 0


def leave_much_to_replay(server: EmbeddedServer) -> None:
    make_changes(server)
    kill(server)


def test_a_killed_server_is_waited_for_as_long_as_it_gets_further(new_server: NewServer) -> None:
    told: list[str] = []
    server = new_server(idle_seconds=2.0, tell=lambda words: told.append(words) if words else None)
    leave_much_to_replay(server)

    with Brake(server, until=lambda: bool(told)):
        began = time.monotonic()
        login = server.start()
        seconds = time.monotonic() - began

    assert answer(login, "SELECT count(*) FROM public.kept") == ROWS
    assert seconds > 3, "too fast to show anything"
    assert told
    assert "replays its last changes first" in told[-1]


def test_a_start_that_gets_nowhere_is_given_up_and_may_be_waited_for_again(
    new_server: NewServer,
) -> None:
    server = new_server(idle_seconds=1.0)
    leave_much_to_replay(server)

    with Brake(server, stops=True):
        with pytest.raises(TransientError, match="still starting"):
            server.start(at_most_seconds=0.5)
        while not startup_processes(server):
            time.sleep(0.005)
        with pytest.raises(StartFailed, match="got no further for 1 s"):
            server.start()
        assert server.starting()

    assert answer(server.start(), "SELECT count(*) FROM public.kept") == ROWS
    assert server.starting() is None


def test_four_processes_that_start_at_once_share_one_server(
    new_server: NewServer, place: Path
) -> None:
    server = new_server()
    with ExitStack() as stack:
        processes = [stack.enter_context(start_elsewhere(server.directory)) for _ in range(4)]
        ports = {port_from(process) for process in processes}
        for process in processes:
            process.communicate()

    assert ports == {server.start().address.port}


def test_a_pid_that_somebody_else_has_now_does_not_prevent_a_start(new_server: NewServer) -> None:
    server = new_server()
    login = server.start()
    kill(server)
    pid_file = server.directory / "cluster" / "data" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    pid_file.write_text("\n".join(["1", *lines[1:]]))

    assert not server.is_running()
    assert server.start() == login


def test_stopping_and_starting_keeps_the_port(new_server: NewServer) -> None:
    server = new_server()
    login = server.start()

    server.stop()

    assert not server.is_running()
    assert server.start() == login


def test_a_taken_port_is_named(new_server: NewServer) -> None:
    server = new_server()
    port = server.start().address.port
    server.stop()
    with socket.socket() as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        rival.bind(("127.0.0.1", port))
        rival.listen()

        with pytest.raises(PortTaken, match=f"Port {port} is used") as caught:
            server.start()

    assert str(server.directory.resolve() / "port") in caught.value.advice


def test_destroying_leaves_nothing(new_server: NewServer) -> None:
    server = new_server()
    server.start()

    server.destroy()

    assert not server.directory.exists()


def test_the_last_user_stops_the_server(new_server: NewServer) -> None:
    server = new_server()
    with start_elsewhere(server.directory, "--hold") as other:
        port_from(other)

        with server.hold():
            server.start()
        assert not server.stop_if_unused()
        assert server.is_running()
        other.communicate()

    assert server.stop_if_unused()
    assert not server.is_running()


def test_a_killed_holder_does_not_count(new_server: NewServer) -> None:
    server = new_server()
    with start_elsewhere(server.directory, "--hold") as other:
        port_from(other)
        other.kill()

    assert server.stop_if_unused()


def test_a_half_made_cluster_is_made_anew(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    server.stop()
    cluster = server.directory / "cluster"
    (cluster / "data").rename(cluster / "data.new")

    assert answer(server.start(), "SELECT 1") == 1


def test_a_start_that_fails_shows_the_servers_words(place: Path) -> None:
    server = EmbeddedServer(place / "server", settings={"shared_buffers": "lots"})

    with pytest.raises(StartFailed, match='invalid value for parameter "shared_buffers"'):
        server.start()

    server.destroy()


def test_data_of_another_major_version_is_left_alone_and_said(new_server: NewServer) -> None:
    """After an update of Coppice that brought newer programs, say; real ones refuse it too."""
    server = new_server()
    server.start()
    server.stop()
    version = server.directory / "cluster" / "data" / "PG_VERSION"
    version.write_text("17\n")

    with pytest.raises(
        OtherMajor, match=r"is of PostgreSQL 17, and the programs are of \d+"
    ) as told:
        server.start()

    assert "COPPICE_POSTGRES_BIN" in told.value.advice
    version.write_text(f"{find_binaries().major}\n")
    assert server.start()


def test_a_folder_without_programs_is_named(place: Path) -> None:
    with pytest.raises(NoBinaries, match=str(place)) as caught:
        EmbeddedServer(place / "server", bin_dir=place).start()

    assert "COPPICE_POSTGRES_BIN" in caught.value.advice


def test_an_awkward_path_works(new_server: NewServer, place: Path) -> None:
    server = new_server(place / f'it\'s a "long" way $HOME {"x" * 150}')

    assert answer(server.start(), "SELECT 1") == 1


def test_a_failed_statement_is_not_logged(new_server: NewServer) -> None:
    server = new_server()
    with connect(admin_login(server.start())) as session, pytest.raises(psycopg.Error):
        session.execute("SELECT 'canary-secret' FROM nowhere")

    assert "canary-secret" not in (server.directory / "server.log").read_text()


def test_passwords_are_readable_to_us_only(new_server: NewServer) -> None:
    server = new_server()
    server.start()

    assert (server.directory / "password").stat().st_mode & 0o777 == 0o600
    assert list((server.directory / "cluster").glob("password*")) == []


def test_from_outside_the_superuser_is_refused_and_others_are_asked_for_a_password(
    new_server: NewServer,
) -> None:
    outside = own_address()
    server = new_server(listen=outside)
    superuser = server.start()
    admin = prepare_tenant_cluster(superuser)

    def connects(login: AdminLogin, host: str) -> bool:
        try:
            psycopg.connect(
                host=host,
                port=login.address.port,
                user=login.user,
                password=login.password,
                dbname="postgres",
            ).close()
        except psycopg.OperationalError:
            return False
        return True

    assert connects(superuser, "127.0.0.1")
    assert not connects(superuser, outside)
    assert connects(admin, outside)


def own_address() -> str:
    """This machine's address on its network; no packet is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return str(probe.getsockname()[0])


@AS_ROOT
def test_root_does_not_run_it_as_root(new_server: NewServer) -> None:
    server = new_server()
    server.start()

    owner = Path(f"/proc/{process_of(server)}").stat().st_uid
    assert pwd.getpwuid(owner).pw_name == "coppice-postgres"


@AS_ROOT
def test_below_a_private_folder_the_data_goes_elsewhere(new_server: NewServer, place: Path) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)
    server = new_server(private / "server")

    server.start()
    data = (server.directory / "cluster").resolve()
    server.destroy()

    assert data.is_relative_to("/var/lib/coppice")
    assert not data.exists()
    assert private.stat().st_mode & 0o777 == 0o700


@AS_ROOT
def test_programs_in_a_private_folder_are_copied(new_server: NewServer, place: Path) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)
    installed = find_binaries().folder  # .../site-packages/<package>/<installation>/bin
    package = installed.parent.parent
    for folder in package.parent.glob(f"{package.name}*"):
        shutil.copytree(folder, private / folder.name, symlinks=True)
    server = new_server(bin_dir=private / installed.relative_to(package.parent))

    assert answer(server.start(), "SELECT 1") == 1
    assert (private.stat().st_mode & 0o777, place.stat().st_mode & 0o777) == (0o700, 0o711)


@AS_ROOT
@FOR_ALL
def test_an_ordinary_user_needs_no_root(new_server: NewServer, place: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(place, nobody, -1)
    server = new_server()
    with start_elsewhere(server.directory, f"--uid={nobody}") as process:
        port_from(process)
        process.communicate()

    assert Path(f"/proc/{process_of(server)}").stat().st_uid == nobody
    server.stop()
    assert answer(server.start(), "SELECT 1") == 1  # root runs it as whoever owns the data


@pytest.mark.parametrize("wrong", ["", ".", "folder"])
def test_destroying_touches_no_folder_that_is_not_a_servers(
    wrong: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "folder" / "cluster").mkdir(parents=True)
    (place / "folder" / "cluster" / "precious").write_text("kept")
    monkeypatch.chdir(place)

    EmbeddedServer(Path(wrong)).destroy()

    assert (place / "folder" / "cluster" / "precious").read_text() == "kept"


def test_destroying_leaves_what_others_keep_beside_it(new_server: NewServer) -> None:
    server = new_server()
    server.start()
    (server.directory / "notes").write_text("kept")

    server.destroy()

    assert [path.name for path in server.directory.iterdir()] == ["notes"]
