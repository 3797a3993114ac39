"""SQL inside of an advice: told from the words around it, for who runs it as it is."""

import re
from dataclasses import dataclass

# The statements that we advise, up to a semicolon outside quotes; several in a row are one.
_STATEMENT = (
    r"""(?:(?:ALTER|CREATE|GRANT|REVOKE|COMMENT ON|(?:REASSIGN|DROP) OWNED BY)"""
    r""" (?:[^;"']|"[^"]*"|'[^']*')+|BEGIN(?: READ WRITE)?|COMMIT);"""
)
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


def laid_out(text: str) -> str:
    """The text with every statement on a line of its own; one without SQL stays as it is."""
    found = pieces(text)
    return "\n".join(one.text for one in found) if any(one.is_sql for one in found) else text
