"""What was done, by whom and when: written down by the actors, read by the comparison."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ALWAYS = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a database is for, as GitHub's side knows it."""

    app: str
    environment: str
    branch: str = ""
    """Of a branch's database; empty for those that branches share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that an actor did."""

    at: float
    until: float
    """When it was answered; ALWAYS for what was not, and may take effect at any time."""
    kind: str
    place: Place | None = None
    database_id: int | None = None
    detail: str = ""
    head: str = ""
    """Where it left a branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A row of data that a run wrote and PostgreSQL confirmed."""

    token: str
    place: Place
    """Where the run meant to write, by what GitHub told it."""
    instance: str
    oid: int
    """PostgreSQL's number of the database: a fresh one of the same name has another."""
    database: str
    marker: str | None
    run: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A job's login that was handed out."""

    variables: dict[str, str] = field(repr=False)


class Ledger:
    """Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deeds: list[Deed] = []
        self._written: list[Written] = []
        self._logins: list[Login] = []
        self._secrets: dict[str, str] = {}
        self._complaints: list[str] = []

    def note(  # noqa: PLR0913 - the fields of a deed
        self,
        kind: str,
        *,
        place: Place | None = None,
        database_id: int | None = None,
        since: float | None = None,
        detail: str = "",
        head: str = "",
        is_open: bool = False,
    ) -> None:
        """Write a deed down that has just ended; `is_open`: its answer never came."""
        now = time.time()
        deed = Deed(
            at=now if since is None else since,
            until=ALWAYS if is_open else now,
            kind=kind,
            place=place,
            database_id=database_id,
            detail=detail,
            head=head,
        )
        with self._lock:
            self._deeds.append(deed)

    def wrote(self, row: Written) -> None:
        with self._lock:
            self._written.append(row)

    def handed_out(self, variables: dict[str, str]) -> None:
        """A job was given a login."""
        with self._lock:
            self._logins.append(Login(variables=variables))
            self._secrets[variables["PGPASSWORD"]] = f"the password of {variables['PGUSER']}"

    def secret(self, text: str, what: str) -> None:
        """Something that must be in no log."""
        with self._lock:
            self._secrets[text] = what

    def complain(self, words: str) -> None:
        """Something went wrong that is nobody's deed: a violation, whatever else is found."""
        with self._lock:
            if words not in self._complaints:
                self._complaints.append(words)

    @property
    def deeds(self) -> list[Deed]:
        with self._lock:
            return list(self._deeds)

    @property
    def written(self) -> list[Written]:
        with self._lock:
            return list(self._written)

    @property
    def logins(self) -> list[Login]:
        with self._lock:
            return list(self._logins)

    @property
    def secrets(self) -> dict[str, str]:
        with self._lock:
            return dict(self._secrets)

    @property
    def complaints(self) -> list[str]:
        with self._lock:
            return list(self._complaints)

    def counts(self) -> dict[str, int]:
        """How often each kind of deed was done."""
        return dict(sorted(Counter(deed.kind for deed in self.deeds).items()))

    def save(self, folder: Path) -> None:
        """For whoever looks into a failure."""
        _lines(folder / "deeds.jsonl", (asdict(deed) for deed in self.deeds))
        _lines(folder / "written.jsonl", (asdict(row) for row in self.written))


def _lines(file: Path, values: Iterable[dict[str, Any]]) -> None:
    file.write_text("".join(f"{json.dumps(value, default=str)}\n" for value in values))
