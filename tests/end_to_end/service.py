"""The service, with commands that start quickly."""

import subprocess
from collections.abc import Sequence

from demo.service import Service
from tests import commands

_PATIENCE_SECONDS = 120.0


class QuickService(Service):
    """`serve` is started as people do; its commands are forked (see `tests.commands`)."""

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return commands.run(*arguments, environ=self.environ, timeout_seconds=_PATIENCE_SECONDS)
