#!/usr/bin/env bash
# Starts the Python side of the Action, or says what the runner lacks.
set -euo pipefail

fail() {
  printf '::error title=Coppice cannot start::%s\n' "$1"
  exit 1
}

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

[[ "${RUNNER_OS:-}" != Windows ]] ||
  fail "This runner is Windows; Coppice needs Linux or macOS. Use runs-on: ubuntu-latest."
command -v python3 >/dev/null 2>&1 ||
  fail "python3 is missing on this runner. Install Python 3.9 or newer, or add actions/setup-python before this step."
python3 -I -S -c 'import sys; sys.exit(sys.version_info < (3, 9))' ||
  fail "python3 on this runner is $(python3 --version 2>&1); Coppice needs 3.9 or newer. Add actions/setup-python before this step."

# -I and -S: neither PYTHON* variables, the working directory nor installed packages can put a
# module of theirs in the place of one of ours.
exec python3 -I -S "${here}/start.py"
