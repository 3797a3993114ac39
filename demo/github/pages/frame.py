"""One plain frame for all pages. Whoever looks at them is signed in as whom they like."""

from flask import Response, render_template_string

_FRAME = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }} · Local GitHub</title>
<h1>{{ title }}</h1>
{{ body }}
</html>
"""


def page(title: str, body: str, *, status: int = 200, **values: object) -> Response:
    """A page; `body` is a template for these values."""
    inner = render_template_string("{% autoescape true %}" + body + "{% endautoescape %}", **values)
    frame = _FRAME.replace("{{ body }}", "{{ body | safe }}")
    text = render_template_string(
        "{% autoescape true %}" + frame + "{% endautoescape %}", title=title, body=inner
    )
    return Response(text, status, content_type="text/html; charset=utf-8")


def missing() -> Response:
    """GitHub's answer for what is not there, or not for whoever looks."""
    return page(
        "Page not found", "<p>This is not the web page you are looking for.</p>", status=404
    )
