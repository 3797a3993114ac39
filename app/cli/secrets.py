"""Secrets that people type: never kept in the history of a shell unless they insist."""

import sys
from getpass import getpass


def read_secret(text: str) -> str:
    """The text, from stdin or a prompt if it is `-`: a command line is seen by every process."""
    if text != "-":
        return text
    if sys.stdin.isatty():
        return getpass("URL: ")
    return sys.stdin.readline().strip()
