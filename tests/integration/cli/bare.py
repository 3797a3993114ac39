"""What a developer's machine gets: Python with the packages that commands need, and no others."""

import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from tests.commands import CHECKOUT

_SMALL = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
# As Python starts with nothing installed, and then finds these folders.
_START = (
    "import sys; sys.path[:0] = sys.argv[1:3]; del sys.argv[1:3]; from app.cli import main; main()"
)
_METADATA = "Metadata-Version: 2.4\nName: coppice\nVersion: 0.1.0\n"


def _with_what_it_needs(requirement: str, found: dict[str, metadata.Distribution]) -> None:
    """The package and all that it requires; extras and other systems' needs are left out."""
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    if name in found or "extra ==" in requirement:
        return
    try:
        found[name] = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return  # of another system
    for each in found[name].requires or []:
        _with_what_it_needs(each, found)


def install(folder: Path) -> Path:
    """The packages of a client alone, and Coppice's own record, of which a server's part lacks."""
    found: dict[str, metadata.Distribution] = {}
    for requirement in _SMALL:
        _with_what_it_needs(requirement, found)
    folder.mkdir()
    for distribution in found.values():
        for top in {file.parts[0] for file in distribution.files or []} - {".."}:
            if not (folder / top).is_symlink():
                (folder / top).symlink_to(str(distribution.locate_file(top)))
    record = folder / "coppice-0.1.0.dist-info"
    record.mkdir()
    needed = [*_SMALL, 'never-installed==1; extra == "server"']
    lines = "".join(f"Requires-Dist: {each}\n" for each in needed)
    (record / "METADATA").write_text(_METADATA + lines)
    origin = {"url": "https://github.com/acme/coppice", "vcs_info": {"vcs": "git"}}
    (record / "direct_url.json").write_text(json.dumps(origin))
    return folder


def python(packages: Path) -> list[str]:
    """How the command line is started there."""
    return [sys.executable, "-S", "-c", _START, str(packages), str(CHECKOUT)]
