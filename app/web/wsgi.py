"""The web application as gunicorn loads it, once in each of its workers."""

import atexit
import os
import signal
import threading
import time
from contextlib import ExitStack

import structlog
from flask import Flask

from app import bootstrap
from app.config import Config
from app.core.errors import CoppiceError, TransientError
from app.settings import load_config
from app.web.application import create_app

_log = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0


def application() -> Flask:
    """Build the application for this process; it also starts while the state database is down."""
    config = load_config()
    resources = ExitStack()
    atexit.register(resources.close)
    state = resources.enter_context(bootstrap.open_state(config))
    local = bootstrap.clusters(config)
    services = resources.enter_context(bootstrap.open_services(config, state, local))
    _prepare(config, state)
    return create_app(services, config, local)


def _prepare(config: Config, state: bootstrap.State) -> None:
    """Bring the state database up to date now, or as soon as it answers."""
    try:
        bootstrap.prepare_for_service(state)
    except TransientError as error:
        _log.warning("the state database is down; trying on", problem=str(error))
        threading.Thread(target=_prepare_later, args=[config, state], daemon=True).start()


def _prepare_later(config: Config, state: bootstrap.State) -> None:
    while True:
        time.sleep(_RETRY_SECONDS)
        try:
            bootstrap.prepare_for_service(state)
            bootstrap.keep_settings(config, state)
        except TransientError:
            continue
        except CoppiceError as error:
            # The wrong keys, say: no worker of this server can be of use.
            _log.critical("stopping", problem=str(error), advice=error.advice)
            os.kill(os.getppid(), signal.SIGTERM)
        return
