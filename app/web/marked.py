"""Our own words as markup: code among them, and where a name may break. All else is escaped."""

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")
# With the character that follows, before which a browser may break otherwise.
_DOUBLE_HYPHEN = re.compile(r"(--+.?)", re.DOTALL)


def marked(text: str) -> Markup:
    """A sentence with its `code` marked up."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def unbroken(name: str) -> Markup:
    """The name of a database; a line ends before the hyphens between its parts, never inside.

    Broken inside, it reads as a name with one hyphen. What is copied is the name alone.
    """
    pieces = _DOUBLE_HYPHEN.split(name)
    together = Markup('<wbr><span class="together">{}</span>')
    return Markup().join(
        together.format(piece) if at % 2 else escape(piece) for at, piece in enumerate(pieces)
    )
