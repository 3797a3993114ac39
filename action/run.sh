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
if ! python3 -I -S -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
  version="$(python3 --version 2>&1 || true)"
  fail "python3 on this runner is ${version//[^A-Za-z0-9. ]/ }; Coppice needs 3.9 or newer. Add actions/setup-python before this step."
fi

# -I and -S: neither PYTHON* variables, the working directory nor installed packages can put a
# module of theirs in the place of one of ours.
exec python3 -I -S "${here}/start.py"
