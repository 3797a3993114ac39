"""The command line: `python -m app ...` and `coppice ...`."""

from app.cli.program import main

__all__ = ["main"]
