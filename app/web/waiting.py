"""Each request has little time for what it waits for, so that it holds its thread for little."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app import patience

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WAIT_SECONDS = 5.0
"""For locks and for tenants' servers, in all."""
GITHUB_SECONDS = 20.0
"""For all answers of GitHub: some pages ask about each of many repositories."""
GITHUB_SECONDS_OF_JOB = 10.0
"""The Action gives a request up after twenty seconds in all."""


def limit(application: "WSGIApplication") -> "WSGIApplication":
    """The application, with so much time in each request."""

    def limited(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        is_of_job = environ.get("PATH_INFO", "").startswith("/api/v1/runs")
        with patience.limited(
            databases_seconds=WAIT_SECONDS,
            github_seconds=GITHUB_SECONDS_OF_JOB if is_of_job else GITHUB_SECONDS,
        ):
            return application(environ, start_response)

    return limited
