"""Starts the Action's package under `python3 -I`, which leaves our folder out of the path."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
try:
    from action import inputs, main
except ImportError as error:
    # Debian's and Ubuntu's python3-minimal has a part of Python's own library.
    sys.stdout.write(
        "::error title=Coppice cannot start::python3 on this runner has no module"
        f" {error.name}: a part of Python is missing. Install the whole of it (Debian, Ubuntu:"
        " apt-get install python3), or add actions/setup-python before this step.\n"
    )
    sys.exit(1)
sys.exit(main.main(inputs.surroundings()))
