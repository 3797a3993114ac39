"""How much one job, and all jobs of one app, may ask for at once."""

from contextlib import AbstractContextManager

from app.core.claims import Claims
from app.core.runs import Run
from app.operations.services import Services

MOST_OF_JOB = 2
# Of the four threads of a web process that answer jobs: one is always left for other apps.
MOST_OF_APP = 3


def of_job(services: Services, claims: Claims) -> AbstractContextManager[None]:
    """A place among the requests of one job. Raises TooManyAtOnce."""
    job = (claims.repository_id, claims.run_id, claims.run_attempt, claims.job_id)
    return services.crowd.place(("job", *job), most=MOST_OF_JOB)


def of_app(services: Services, run: Run) -> AbstractContextManager[None]:
    """A place among the requests that use the databases of one app. Raises TooManyAtOnce."""
    return services.crowd.place(("app", run.app_id), most=MOST_OF_APP)
