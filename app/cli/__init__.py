"""The command line: `python -m app ...` and `coppice ...`."""

from app.loading import loading


def main() -> None:
    """Run the command that was typed. Ends the process: 0, 1 for our own errors, 2 for usage."""
    with loading():
        from app.cli import program
    program.main()
