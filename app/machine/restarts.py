"""What `serve` had to start again: it writes that down, `doctor` and the web server read it."""

import json
import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from app.operations.administration.surroundings import Restarts

_REMEMBERED = 100
_RECENT_SECONDS = 600


class RestartBook:
    """Kept by one `serve`; begins empty with each."""

    def __init__(self, file: Path, *, parts: Iterable[str] = ()) -> None:
        """`parts` are there from the start, so that whoever counts sees their first time."""
        self._file = file
        self._counts = dict.fromkeys(parts, 0)
        self._times: dict[str, deque[float]] = {}
        file.unlink(missing_ok=True)
        if self._counts:
            self._write()

    def note(self, what: str) -> None:
        """It was started again now. A disk that is full keeps nothing from being started."""
        self._counts[what] = self._counts.get(what, 0) + 1
        self._times.setdefault(what, deque(maxlen=_REMEMBERED)).append(time.time())
        self._write()

    def _write(self) -> None:
        book = {
            name: {"count": count, "at": list(self._times.get(name, ()))}
            for name, count in self._counts.items()
        }
        new = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        with suppress(OSError):
            new.write_text(json.dumps(book))
            new.replace(self._file)


def read_restarts(file: Path) -> Sequence[Restarts]:
    """What the `serve` of this data directory started again; nothing where none runs."""
    try:
        book = json.loads(file.read_text())
    except (OSError, ValueError):
        return []
    since = time.time() - _RECENT_SECONDS
    return [
        Restarts(what=what, count=one["count"], recent=sum(at > since for at in one["at"]))
        for what, one in book.items()
    ]
