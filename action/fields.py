"""Single fields of the service's answers, each checked before it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from action.credentials import InvalidReply
from pgwire.text import plain, printable

if TYPE_CHECKING:
    import re

_LONGEST_COMMAND = 100_000
_MOST_LINES = 10
_LONGEST_PAGE = 60_000
"""Of what GitHub takes of all of a job's steps' pages, 1 MiB each."""


def matching(reply: dict[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    """Read a text of that form. Raises InvalidReply."""
    value = reply.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidReply(f"`{key}` is missing or malformed")
    return value


def command(reply: dict[str, Any], key: str) -> str:
    """Read a command; it may be empty. Raises InvalidReply."""
    value = reply.get(key)
    if not isinstance(value, str) or "\0" in value or len(value) > _LONGEST_COMMAND:
        raise InvalidReply(f"`{key}` is missing or malformed")
    return value


def words(reply: dict[str, Any], key: str) -> str:
    """Read words for people, made harmless; empty when there are none."""
    value = reply.get(key)
    return plain(value) if isinstance(value, str) else ""


def page(reply: dict[str, Any], key: str) -> str:
    """Read Markdown for the step's summary page; empty when there is none."""
    value = reply.get(key)
    return printable(value)[:_LONGEST_PAGE].strip() if isinstance(value, str) else ""


def lines(reply: dict[str, Any], key: str) -> tuple[str, ...]:
    """Read several words for people; what is missing or odd is left out."""
    value = reply.get(key)
    found = value[:_MOST_LINES] if isinstance(value, list) else []
    return tuple(plain(one) for one in found if isinstance(one, str))


def whole(reply: dict[str, Any], key: str) -> int:
    """Read an id. Raises InvalidReply."""
    value = reply.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise InvalidReply(f"`{key}` is missing or malformed")
    return value


def number(reply: dict[str, Any], key: str, *, least: float, most: float) -> float:
    """Read a number within bounds. Raises InvalidReply."""
    value = reply.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise InvalidReply(f"`{key}` is missing or malformed")
    return float(value)


def truth(reply: dict[str, Any], key: str) -> bool:
    """Read true or false. Raises InvalidReply."""
    value = reply.get(key)
    if not isinstance(value, bool):
        raise InvalidReply(f"`{key}` is missing or malformed")
    return value
