"""The reaper and the jobs that it queues, without a worker."""

from app.core.errors import CoppiceError
from app.core.intents import EndLogin, EndRun, FinishTemplate
from app.operations.runs import reaper, templates
from app.operations.services import Services


def reap(services: Services) -> None:
    """End everything whose time is over; raises the first failure when all were tried."""
    failures: list[CoppiceError] = []
    for intent in reaper.due(services):
        try:
            match intent:
                case EndRun(database_id=database_id):
                    reaper.end_run(services, database_id)
                case EndLogin(database_id=database_id, login_id=login_id):
                    reaper.end_login(services, database_id, login_id)
                case FinishTemplate(database_id=database_id):
                    templates.finish(services, database_id)
        except CoppiceError as error:
            failures.append(error)
    if failures:
        raise failures[0]
