"""Errors: JSON for programs (a stable code, a sentence, what to do next), pages for people."""

import structlog
from flask import Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from app.core.errors import CoppiceError, Invalid, NotFound
from app.web import html
from app.web.advice import advice_for

log = structlog.get_logger()

_WORDS = {
    404: "There is no such page.",
    405: "This address does not take that kind of request.",
}
ADVICE = {
    404: "Check the path; /api/openapi.json lists every one.",
    405: "Check the method; /api/openapi.json lists what each path takes.",
    413: "Send less: 25 MiB is the limit for webhooks, 8 MiB for everything else.",
}

_ADVICE_ON_PAGES = {405: "A button does what this address is for: go back to the page that has it."}


def init_app(app: Flask) -> None:
    """Answer every failure in words, and tell nobody what went wrong inside."""
    app.register_error_handler(CoppiceError, show_error)
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(Exception, show_bug)
    app.before_request(refuse_nul)


def refuse_nul() -> None:
    """PostgreSQL's text holds no NUL, so no page's address does; the API checks its own words."""
    if "\0" in request.path and not request.path.startswith("/api/"):
        raise NotFound("Nothing is here.", advice="Check the address.")


def show_error(error: CoppiceError) -> ResponseReturnValue:
    """One of ours: safe to show as it is."""
    if html.is_wanted():
        return html.show_error(error, status=error.http_status)
    body: dict[str, object] = {
        "error": error.code,
        "message": str(error),
        "advice": advice_for(error),
    }
    headers = {}
    retry_after = getattr(error, "retry_after_seconds", None)
    if error.http_status in {409, 503} and retry_after is None:
        retry_after = 1 if error.http_status == 409 else 5
    if retry_after is not None:
        seconds = max(1, round(retry_after))
        body["retry_after"] = seconds
        headers["Retry-After"] = str(seconds)
    return body, error.http_status, headers


def show_http_error(error: HTTPException) -> ResponseReturnValue:
    """Flask's own, such as 404 and 413."""
    code = error.code or 500
    name = (error.name or "error").lower().replace(" ", "_")
    message = _WORDS.get(code, error.description or error.name)
    if html.is_wanted():
        advice = _ADVICE_ON_PAGES.get(code, "")
        return html.show_error(CoppiceError(message, advice=advice, code=name), status=code)
    advice = ADVICE.get(code, "Correct the request and repeat it.")
    if code == 404 and (listing := _listing_of_numbers(request.path)) is not None:
        message = "There is no such page: its path has a number, and not a name."
        advice = f"Take the number from the list, {listing}: it is `id` there."
    return {"error": name, "message": message, "advice": advice}, code


def show_bug(error: Exception) -> ResponseReturnValue:
    """A bug: the log has the traceback, the answer has nothing of it."""
    log.exception("web.bug", exc_info=error)
    return show_error(CoppiceError("The service made a mistake."))


def show_invalid(error: ValidationError) -> Response:
    """A request that does not fit its model; names the fields, never their values."""
    fields = sorted(
        {".".join(map(str, item["loc"])) or "the body as a whole" for item in error.errors()}
    )
    problem = Invalid(f"These fields are wrong, missing or unknown: {', '.join(fields)}.")
    response = jsonify(error=problem.code, message=str(problem), advice=problem.advice)
    response.status_code = problem.http_status
    return response


def _listing_of_numbers(path: str) -> str | None:
    """Where the numbers are listed one of which is wanted in place of a word of the path."""
    parts = path.split("/")
    addresses = current_app.url_map.bind("")
    # After the name of a list: /api/v1/databases/NUMBER, /api/v1/apps/ID/runs/NUMBER.
    for place in (4, 6):
        with_number = "/".join([*parts[:place], "1", *parts[place + 1 :]])
        if len(parts) > place and not parts[place].isdecimal():
            try:
                addresses.match(with_number, method=request.method)
            except HTTPException:
                continue
            return "/".join(parts[:place])
    return None
