"""How this command line was installed, and what is said when the service's packages are missing."""

import json
import re
import shlex
import sys
from importlib import metadata
from pathlib import Path

from app.core.errors import CoppiceError

_NAME = "coppice"


class NoServer(CoppiceError):
    """The service is to run here, and its packages were not installed."""

    code = "no_server"


def no_server() -> NoServer | None:
    """What to say where packages of the service are missing; None: none is."""
    if not _lacks_server():
        return None
    words = install_command(
        specification(metadata.distribution(_NAME).read_text("direct_url.json")),
        environment=Path(sys.prefix),
    )
    return NoServer(
        "This command needs a service on this machine, and only what asks a service elsewhere is"
        " installed here.",
        advice=f"Install the service as well: {words}\nOr log in to one elsewhere: coppice login"
        " URL.",
    )


def install_command(specification: str, *, environment: Path) -> str:
    """The words that install `specification` into the environment, with what made it.

    pipx and uv each leave a file there; a virtual environment of uv has no pip.
    """
    quoted = shlex.quote(specification)
    if (environment / "pipx_metadata.json").exists():
        return f"pipx install --force {quoted}"
    if (environment / "uv-receipt.toml").exists():
        return f"uv tool install --force {quoted}"
    return f"{shlex.quote(str(environment / 'bin' / 'python'))} -m pip install {quoted}"


def specification(origin: str | None) -> str:
    """The service as an installer takes it, from where the commands came from.

    Args:
        origin: `direct_url.json` of the package; None for one of an index.

    Source: https://packaging.python.org/en/latest/specifications/direct-url/
    """
    if origin is None:
        return f"{_NAME}[server]"
    known = json.loads(origin)
    vcs = known.get("vcs_info")
    if vcs is None:
        return f"{_NAME}[server] @ {known['url']}"
    revision = f"@{vcs['requested_revision']}" if "requested_revision" in vcs else ""
    return f"{_NAME}[server] @ {vcs['vcs']}+{known['url']}{revision}"


def _lacks_server() -> bool:
    """Whether a package of the extra is missing. False for a checkout that was not installed."""
    try:
        required = metadata.requires(_NAME) or []
    except metadata.PackageNotFoundError:
        return False
    conditions = (line.partition(";") for line in required)
    return any(
        not _is_installed(re.split(r"[^\w.-]", line, maxsplit=1)[0])
        for line, _, condition in conditions
        if "server" in condition
    )


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
