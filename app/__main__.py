"""`python -m app`: the same as the console script `coppice`."""

from app.cli import main

main()
