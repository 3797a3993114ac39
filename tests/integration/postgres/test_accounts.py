"""The account that PostgreSQL runs as when root starts it."""

import os
import pwd
import subprocess
import sys
import uuid
from contextlib import ExitStack
from subprocess import PIPE

import pytest

from demo.runner import CHECKOUT

# Each waits for its input to end, so that all of them come to the password file at once.
_PROGRAM = """
import sys
from pathlib import Path
from app.postgres.embedded import accounts

accounts.ACCOUNT_NAME = sys.argv[1]
print("started", flush=True)
sys.stdin.read()
print(accounts.account_for(Path("/nonexistent/cluster")).uid)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes accounts")
def test_servers_that_start_at_once_for_the_first_time_share_one_account() -> None:
    name = f"coppice-{uuid.uuid4().hex[:8]}"
    start = [sys.executable, "-c", _PROGRAM, name]
    with ExitStack() as stack:
        stack.callback(
            subprocess.run, ["/usr/sbin/userdel", name], capture_output=True, check=False
        )
        rivals = [
            stack.enter_context(
                subprocess.Popen(start, cwd=CHECKOUT, stdin=PIPE, stdout=PIPE, text=True)
            )
            for _ in range(4)
        ]
        for rival in rivals:
            assert rival.stdout is not None
            assert rival.stdout.readline() == "started\n"

        for rival in rivals:
            assert rival.stdin is not None
            rival.stdin.close()
        seen = [int(rival.stdout.read()) for rival in rivals if rival.stdout]

        assert seen == [pwd.getpwnam(name).pw_uid] * 4
