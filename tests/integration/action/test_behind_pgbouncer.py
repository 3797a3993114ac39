"""The Action beside a real PgBouncer, which keeps sessions of its own."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.action.conftest import RealDatabase
from tests.integration.action.scripted import ScriptedService, run_path
from tests.integration.action.step import Step
from tests.integration.serve.installation import await_that, free_port

BUILT = Path(__file__).parents[3] / "build/pgbouncer"
PLACES = [os.environ["PATH"], "/usr/sbin", str(BUILT / "usr/sbin")]
SETTINGS = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
logfile = {folder}/log
"""


@pytest.fixture
def pooled(branch: RealDatabase, service: ScriptedService, tmp_path: Path) -> Iterator[str]:
    """The URL of `branch` over PgBouncer, which the service hands out too."""
    program = shutil.which("pgbouncer", path=os.pathsep.join(PLACES))
    if program is None:
        pytest.skip("PgBouncer is missing: script/setup gets it where it can")
    folder, port = tmp_path / "pgbouncer", free_port()
    folder.mkdir()
    (folder / "users.txt").write_text(f'"{branch.tenant.login_role}" "{branch.password}"\n')
    (folder / "settings.ini").write_text(
        SETTINGS.format(host=branch.host, port=branch.port, own_port=port, folder=folder)
    )
    command = [program, str(folder / "settings.ini")]
    if os.geteuid() == 0:  # it refuses to be root
        for place in (folder, *folder.iterdir()):
            shutil.chown(place, "nobody")
        for place in folder.parents:
            if place.stat().st_uid == 0 and not place.stat().st_mode & 1:
                place.chmod(0o711)
        command += ["-u", "nobody"]
    [libraries] = [*(BUILT / "usr/lib").glob("*-linux-gnu*"), None][:1]
    process = subprocess.Popen(
        command,
        env={"LD_LIBRARY_PATH": str(libraries or "")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = branch.url.replace(f":{branch.port}/", f":{port}/")
    variables = branch.variables | {"DATABASE_URL_POOLED": url}
    service.on(run_path("branch"), branch.go(variables=variables))
    try:
        await_that(lambda: is_listening(port), what="PgBouncer")
        yield url
    finally:
        process.kill()
        process.wait()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("set +e; npx nothing; true", "never-connected"),
        ("psql -qc 'SELECT 1'", "success"),
        ('psql -q "$DATABASE_URL_POOLED" -c "SELECT 1"', "success"),
    ],
)
def test_what_the_pooled_check_leaves_is_not_taken_for_the_command(
    step: Step, service: ScriptedService, pooled: str, command: str, result: str
) -> None:
    finished = step.run(migration_command=command)

    assert finished.exit_code == 0, finished.log.text
    assert service.reports("branch")[0]["result"] == result, finished.log.text
