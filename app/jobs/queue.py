"""The queue as procrastinate has it; `store/jobs` fills it."""

from typing import LiteralString

import procrastinate
from procrastinate.schema import SchemaManager

from app.jobs.ledger import Ledger
from app.jobs.moot import end_well

# Never connects by itself: deferring uses the caller's connection, a worker its own connector.
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(), worker_defaults={"task_middleware": [end_well]}
)
ledger = Ledger(connector=app.connector, knows=app.tasks)
app.job_manager = ledger


def queue_schema() -> LiteralString:
    """Procrastinate's own tables and functions, as SQL."""
    return SchemaManager.get_schema()
