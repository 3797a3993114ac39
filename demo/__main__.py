"""`python -m demo`: the whole story on this machine, told as it happens."""

import argparse
import sys

from demo.stage import Stage
from demo.story import tell


def main() -> int:
    """Tell the story; exit code 0 when it went as it should."""
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave the service running at the end, until Ctrl-C",
    )
    keep: bool = parser.parse_args().keep
    with Stage() as stage:
        tell(stage)
        if keep:
            stage.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
