"""The place of `serve` among the machines of a state database: nobody else has its id."""

import time

import structlog

from app import bootstrap
from app.config import Config
from app.core.errors import TransientError
from app.core.hosts import SILENT, TwinHost
from app.processes.supervisor import Supervisor

_log = structlog.get_logger(__name__)
_MARGIN_SECONDS = 5.0
_RETRY_SECONDS = 0.5


class NotWanted(Exception):
    """`serve` was told to stop before it was ready."""


def take_place(config: Config, state: bootstrap.State, supervisor: Supervisor) -> None:
    """Before any server is started: those of a copied data directory are another machine's.

    After a move, or a restart of the machine, the sign of life of before is waited out. Raises
    TwinHost when there are new ones, NotWanted when told to stop meanwhile.
    """
    until = time.monotonic() + SILENT.total_seconds() + _MARGIN_SECONDS
    is_told = False
    with bootstrap.open_services(config, state, bootstrap.clusters(config)) as services:
        while not supervisor.is_stopping:
            try:
                services.store.hosts.claim()
            except TransientError as error:
                _log.warning(
                    "whether this machine is the only one of its id is looked at later",
                    problem=str(error),
                )
            except TwinHost as error:
                if time.monotonic() > until:
                    raise
                if not is_told:
                    _log.warning("waiting", problem=str(error))
                is_told = True
                time.sleep(_RETRY_SECONDS)
                continue
            return
    raise NotWanted
