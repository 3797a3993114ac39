"""Links that commands print: they hold a secret, so where they lead matters."""

import subprocess
import sys
from pathlib import Path

from tests.integration.serve.installation import Installation


def login_link(coppice: Installation) -> str:
    """The link that the command prints when it is typed in the installation's folder."""
    return subprocess.run(
        [Path(sys.executable).with_name("coppice"), "login-link"],
        cwd=coppice.folder,
        env={name: each for name, each in coppice.environ.items() if name != "COPPICE_DATA_DIR"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_a_folder_of_somebody_elses_does_not_say_where_a_link_leads(coppice: Installation) -> None:
    foreign = coppice.folder / ".coppice"  # as in a checkout; the state database is set
    foreign.mkdir()
    (foreign / "public-url").write_text("https://evil.example")

    link = login_link(coppice)

    assert link.startswith(f"{coppice.url}/login/link?")
