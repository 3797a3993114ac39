"""Bodies of requests: whole and soon, so that nobody holds a thread by sending slowly."""

import socket
from threading import Timer

from flask import Flask, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from app.core.errors import CoppiceError, Invalid

# GitHub gives a delivery up after ten seconds, so nobody waits for a slower one.
BODY_SECONDS = 10.0
# A log of a million characters, each of them escaped.
MAX_BYTES = 8 * 1024 * 1024


class IncompleteBody(CoppiceError):
    """The sender went away, or took longer than anybody waits."""

    code = "incomplete_body"
    http_status = 408
    advice = "Send the whole body within ten seconds."

    def __init__(self) -> None:
        super().__init__("The body did not arrive as a whole.")


def init_app(app: Flask) -> None:
    """Read the body of every request before anything else, whoever sends it."""
    app.before_request(take_in)


def take_in() -> None:
    """Read the body, and see that its JSON can be read; webhooks look at their bytes themselves."""
    if request.blueprint == "webhooks":
        return
    request.max_content_length = MAX_BYTES
    read_body(is_kept=True)
    try:
        request.get_json(silent=True)
    except RecursionError as error:
        raise Invalid("The body's JSON is nested too deep.") from error


def check_json() -> None:
    """Raise Invalid for a body that is no JSON: it must not pass for none at all."""
    if request.get_data().strip() and request.get_json(silent=True) is None:
        raise Invalid(
            "The body is not JSON.", advice="Send an object, with Content-Type: application/json."
        )


def read_body(*, is_kept: bool = False) -> bytes:
    """The whole body. Raises IncompleteBody for one that drips in: it would hold a thread."""
    # gunicorn hands its socket over; Flask's own server, which is for tests, does not.
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    is_empty = not request.content_length and "Transfer-Encoding" not in request.headers
    if connection is None or is_empty:
        return _read(is_kept=is_kept)
    # No timeout of the socket would do: each byte that arrives would start it anew.
    patience = Timer(BODY_SECONDS, connection.shutdown, [socket.SHUT_RD])
    patience.start()
    try:
        return _read(is_kept=is_kept)
    finally:
        patience.cancel()


def _read(*, is_kept: bool) -> bytes:
    length, limit = request.content_length, request.max_content_length
    try:
        body = request.get_data(cache=is_kept)
    except (ClientDisconnected, OSError) as error:
        raise IncompleteBody from error
    if length is not None and len(body) < length:
        raise IncompleteBody
    # A body that announces no length is cut at the limit without a word.
    if length is None and limit is not None and len(body) >= limit:
        raise RequestEntityTooLarge
    return body
