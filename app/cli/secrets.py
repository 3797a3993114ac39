"""Secrets that people type: never kept in the history of a shell unless they insist."""

import sys
from getpass import getpass

from app.core.errors import Invalid


def read_secret(text: str) -> str:
    """The text, from stdin or a prompt if it is `-`: a command line is seen by every process.

    Raises Invalid when nothing comes.
    """
    if text != "-":
        return text
    is_typed = sys.stdin.isatty()
    found = (getpass("URL: ") if is_typed else sys.stdin.readline()).strip()
    if not found:
        raise Invalid(
            f"`-` reads the URL from {'the prompt' if is_typed else 'standard input'}, and nothing"
            " came.",
            advice="Type it at the prompt, or pipe it in: `... --url - < FILE`.",
        )
    return found
