"""Jobs whose wish has become moot: they end well, for nothing failed."""

from collections.abc import Callable
from typing import Any

import structlog
from procrastinate import JobContext
from procrastinate.worker import Worker

from app.core.errors import CoppiceError
from app.core.intents import RestoreDatabase

log = structlog.get_logger()

# What a job was about is gone, or the App is not there any more; the next reconcile finds out what
# that means for all the rest.
_GONE = frozenset(
    {"not_found", "github_has_not", "not_installed", "installation_suspended", "other_repository"}
)
# Somebody else was faster: it was restored, dropped, or replaced; or its room was taken, and who
# asks next is told so.
_OF_TASK = {RestoreDatabase.name: frozenset({"conflict", "limit_reached"})}


def end_well(call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
    """Run a task; one that finds its wish moot is done, and only the log says so."""
    task = context.job.task_name
    try:
        return call_next()
    except CoppiceError as error:
        if error.code not in _GONE | _OF_TASK.get(task, frozenset()):
            raise
        log.info("job.moot", task=task, job=context.job.id, code=error.code, why=str(error))
    return None
