"""gunicorn's settings, by `-c python:...`; runs in gunicorn's main process.

https://docs.gunicorn.org/en/stable/settings.html
"""

import logging
from typing import Any

from gunicorn import glogging  # type: ignore[import-untyped]
from prometheus_client import multiprocess

from app.loading import loading

# Imported for its effect: workers are forks of this process and find the modules loaded. Nothing is
# built here, because a connection must not be shared across a fork.
with loading():
    import app.web.wsgi  # noqa: F401
    from app import bootstrap
    from app.logs import configure_logging
    from app.processes.front.lanes import ROOMS
    from app.settings import load_config

configure_logging(bootstrap.known_secrets(load_config()))


class JsonLogger(glogging.Logger):  # type: ignore[misc]
    """Hands gunicorn's messages to our own log instead of writing them itself."""

    def setup(self, cfg: Any) -> None:
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(logging.INFO)
        self.access_log.propagate = False

    def access(self, *_arguments: Any) -> None:
        """Requests are counted in the metrics; a log of them would hold branch names and ids."""


wsgi_app = "app.web.wsgi:application()"
worker_class = "app.processes.front.worker.FrontWorker"
workers = 2
threads = sum(room.threads for room in ROOMS.values())
# More than all lanes may hold, so that new ones are always taken in. Few enough for the usual limit
# of 1,024 open files.
worker_connections = 700
# Answers are put together in memory, and the worker's main loop sends them.
sendfile = False
timeout = 60
graceful_timeout = 25
keepalive = 15
max_requests = 0
control_socket_disable = True
# Nothing of X-Forwarded-* here: anybody could write it. COPPICE_PROXIES is the application's.
forwarded_allow_ips = ""
logger_class = JsonLogger
proc_name = "coppice-web"


def child_exit(_server: Any, worker: Any) -> None:
    """Take a dead worker's gauges out of the metrics."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
