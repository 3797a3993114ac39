"""One plain frame for all pages, and their style sheet. Whoever looks is whom they like."""

from flask import Blueprint, Response, render_template, render_template_string

from demo.github.pages import markdown, places

blueprint = Blueprint(
    "frame",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/_pages/static",
)
blueprint.add_app_template_filter(markdown.rendered, "markdown")
blueprint.add_app_template_global(places.of, "place")

_BLOCKS = '{{% extends "frame.html" %}}{{% block main %}}{}{{% endblock %}}'
# No `form-action`: browsers hold redirects to it as well, and a log-in ends at the App's address.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:;"
    " frame-ancestors 'none'; base-uri 'none'"
)


def show(template: str, title: str, *, status: int = 200, **values: object) -> Response:
    """A page from a file in `templates`."""
    return _page(render_template(template, title=title, **values), status)


def page(title: str, body: str, *, status: int = 200, **values: object) -> Response:
    """A page; `body` is a template for these values."""
    return _page(render_template_string(_BLOCKS.format(body), title=title, **values), status)


def missing() -> Response:
    """GitHub's answer for what is not there, or not for whoever looks."""
    return page(
        "Page not found",
        '<p>This is not the web page you are looking for. <a href="/">All repositories</a></p>',
        status=404,
    )


def refusal(why: str, *, status: int) -> Response:
    """What a form asks for and cannot have."""
    return page("Not done", "<p>{{ why }}</p>", status=status, why=why)


def _page(text: str, status: int) -> Response:
    answer = Response(text, status, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
