"""Comments and summaries as people read them. What they hold of HTML is shown as text."""

import re

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

# A program's own, on the first line; GitHub shows no HTML comment.
_MARKER = re.compile(r"\A<!--[^\n]*?-->[ \t]*\n?")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def rendered(text: str | None) -> Markup:
    """HTML of Markdown: with tables, without images, and no link but to web pages."""
    without_markers = _MARKER.sub("", text or "")
    try:
        return Markup(_MARKDOWN.render(without_markers))
    except RecursionError:  # nested deeper than anybody writes
        return Markup("<pre>{}</pre>").format(escape(without_markers))
