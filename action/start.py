"""Starts the Action's package under `python3 -I`, which leaves our folder out of the path."""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
runpy.run_module("action.main", run_name="__main__")
