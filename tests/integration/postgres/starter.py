"""Starts an embedded server in a process of its own; `--uid` gives up root before.

Prints the port and waits for the end of its input, holding the server if `--hold` is given.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path

from app.postgres.embedded.server import EmbeddedServer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--hold", action="store_true")
    arguments = parser.parse_args()
    if arguments.uid:
        os.setgroups([])
        os.setgid(arguments.uid)
        os.setuid(arguments.uid)
    server = EmbeddedServer(arguments.directory, settings={"fsync": "off"})
    with server.hold() if arguments.hold else contextlib.nullcontext():
        print(server.start().address.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
