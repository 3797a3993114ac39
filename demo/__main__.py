"""`python -m demo`: the whole story on this machine, told as it happens."""

import argparse
import sys

from demo import interruption

_WHAT = (
    "The whole story on this machine, offline, told as it happens. Ctrl-C ends it at any time and"
    " leaves nothing behind."
)


def main() -> int:
    """Tell the story; exit code 0 when it went as it should, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="script/demo", description=_WHAT)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave the service running at the end, until Ctrl-C",
    )
    keep: bool = parser.parse_args().keep
    interruption.listen()
    try:
        _play(keep=keep)
    except interruption.Interrupted as interrupted:
        print("\nStopped. Nothing of it is running any more, and its files are removed.")
        return interrupted.exit_code
    return 0


def _play(*, keep: bool) -> None:
    # Only now: help needs no packages, and these take seconds to load and to start.
    from rich.console import Console

    Console(highlight=False, soft_wrap=True).print(
        "[bold]Coppice, from the first push to the last[/bold]\n\n"
        "  The service starts, with its own PostgreSQL: up to a minute on a slow machine."
    )
    # Somebody may press Ctrl-C while they load already.
    from demo.stage import Stage
    from demo.story import tell, tell_how_to_go_on
    from demo.visit import prepare, tell_how_to_look_around

    with Stage() as stage:
        try:
            repository = tell(stage)
            if keep:
                tell_how_to_look_around(stage, repository, prepare(stage, repository))
                stage.wait()
        except Exception:
            # Ctrl-C reaches every process of the terminal: one of ours may have failed by it.
            interruption.check()
            raise
    tell_how_to_go_on()


if __name__ == "__main__":
    sys.exit(main())
