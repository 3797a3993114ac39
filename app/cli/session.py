"""What a command works with, opened for as long as it runs."""

import getpass
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.cli.output import remark
from app.core.people import OPERATOR
from app.loading import loading
from app.operations.services import Services

if TYPE_CHECKING:
    from app.bootstrap import State
    from app.config import Config
    from app.machine.clusters import Clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The service's parts, in this process."""

    config: "Config"
    state: "State"
    clusters: "Clusters"
    services: Services


@contextmanager
def open_session() -> Iterator[Session]:
    """Open the state database and everything on it.

    An embedded state database is started if no `serve` runs, and stopped again at the end.
    """
    # Late: help and commands for a service elsewhere do without all of this.
    with loading():
        from app import bootstrap, settings
        from app.logs import configure_logging
        from app.machine.adoption import adopt
    config = settings.load_config_beside()
    configure_logging(bootstrap.known_secrets(config), level=logging.ERROR)
    clusters = bootstrap.clusters(config, tell=_tell)
    with bootstrap.open_state(config, tell=_tell) as state:
        bootstrap.prepare_state(state)
        config = settings.completed_by(config, bootstrap.settings_kept(state))
        configure_logging(bootstrap.known_secrets(config), level=logging.ERROR)
        with bootstrap.open_services(config, state, clusters) as services:
            adopt(services, clusters)
            here = services.acting_as(OPERATOR, source=f"command line of {_account()}")
            yield Session(config=config, state=state, clusters=clusters, services=here)


def _tell(words: str | None) -> None:
    if words:
        remark(words)


def _account() -> str:
    """Whose command it is: the account of this machine, for the audit trail."""
    try:
        return f"{getpass.getuser()}@{platform.node()}"
    except (OSError, KeyError):  # an account without a name, as in containers
        return f"{os.getuid()}@{platform.node()}"
