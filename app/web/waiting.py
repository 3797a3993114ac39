"""Each request has little time for what it waits for, so that it holds its thread for little."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.operations import patience

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WAIT_SECONDS = 5.0
"""For locks and for tenants' servers, in all."""


def limit(application: "WSGIApplication") -> "WSGIApplication":
    """The application, with so much time in each request."""

    def limited(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with patience.limited(WAIT_SECONDS):
            return application(environ, start_response)

    return limited
