"""Our own words as markup: code among them, and where a name may break. All else is escaped."""

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`]+)`")
# With the character that follows, before which a browser may break otherwise.
_DOUBLE_HYPHEN = re.compile(r"(--+.?)", re.DOTALL)
# The statements that we advise, up to a semicolon outside quotes; several in a row are one.
_STATEMENT = r"""(?:ALTER|CREATE|GRANT|REVOKE) (?:[^;"']|"[^"]*"|'[^']*')+;"""
_ONE = re.compile(_STATEMENT)
_STATEMENTS = re.compile(rf"(?<!\S)({_STATEMENT}(?:\s+{_STATEMENT})*)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an advice: what to do in words, or SQL to run as it is."""

    text: str
    is_sql: bool


def pieces(advice: str) -> tuple[Piece, ...]:
    """The advice with its SQL apart, in its order; every statement is on a line of its own."""
    found = []
    for at, part in enumerate(_STATEMENTS.split(advice)):
        if at % 2:
            found.append(Piece("\n".join(_ONE.findall(part)), is_sql=True))
        elif part.strip():
            found.append(Piece(part.strip(), is_sql=False))
    return tuple(found)


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
