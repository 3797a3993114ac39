"""Makes text of strangers harmless for logs and terminals. Pure."""

from __future__ import annotations

import re

# Control sequences (colours, cursor), operating system commands (titles, links), single escapes.
# https://ecma-international.org/publications-and-standards/standards/ecma-48/
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
)
# All control characters but tab and newline; marks that reorder text; halves of surrogate pairs.
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

# As SQL and connection strings have them, in literals and in the bodies of routines too.
_PASSWORD = re.compile(
    r"(password\s*=\s*)''[^']*''"
    r"|(password[\s(=:>,]*)(?:E?'(?:[^'\\]|\\.|'')*'?|\$(\w*)\$.*?(?:\$\3\$|\Z))"
    r"|(password\s*=\s*)[^\s';]+"
    r"|(://[^\s:/@']{0,100}:)[^\s/@']{1,500}(?=@)",
    re.IGNORECASE | re.DOTALL,
)


def without_passwords(text: str) -> str:
    """Cut out passwords that a text of SQL holds."""
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2] or found[4] or found[5]}?", text)


def printable(text: str) -> str:
    """Strip colours and control characters; carriage returns become line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("", _ANSI.sub("", text))


def plain(text: str, *, limit: int = 500) -> str:
    """Make one harmless line of a text from elsewhere."""
    line = " ".join(printable(text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
