"""Reads the SQL files that a commit changed, in the checked-out repository.

Their paths come from elsewhere, and what is behind them from the repository: nothing outside of it
is read, and nothing of them leaves the runner but a path, a line, and the reason of a comment.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgwire.text import plain
from pgwire.trace.places import MOST_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from action.reply import Changes

MOST_FILES = 300
MOST_BYTES = 5_000_000
LONGEST_PATH = 1_000
_MOST_SECONDS = 2.0


@dataclass(frozen=True)
class File:
    """A file of the repository."""

    path: str
    content: bytes
    is_added: bool


def read(root: Path, changes: Changes) -> Iterator[File]:
    """Read each file that there is, in order; for some seconds at most."""
    give_up_at = time.monotonic() + _MOST_SECONDS
    room = MOST_BYTES
    for path in changes.files[:MOST_FILES]:
        content = _content(root, path) if _is_one_of_ours(path) else None
        if content is None:
            continue
        room -= len(content)
        if room < 0 or time.monotonic() > give_up_at:
            return
        yield File(path, content, path in changes.added)


def _is_one_of_ours(path: str) -> bool:
    is_below = not path.startswith("/") and ".." not in path.split("/")
    return path.endswith(".sql") and is_below and plain(path, limit=LONGEST_PATH) == path


def _content(root: Path, path: str) -> bytes | None:
    """Read a file; None where it is none, leads out of the repository, or is long."""
    home = os.path.realpath(root)
    file = os.path.realpath(os.path.join(home, path))
    if os.path.commonpath([home, file]) != home or not os.path.isfile(file):
        return None
    try:
        with open(file, "rb") as stream:
            content = stream.read(MOST_FILE_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= MOST_FILE_BYTES else None
