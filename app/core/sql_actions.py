"""What a statement does, by its words: an ALTER TABLE may do several things at once. Pure."""

import re

# What is not closed ends with the text: so no text is read twice, whoever wrote it.
_NOISE = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|\bE'(?:[^'\\]|''|\\.)*(?:'|\Z)|'(?:[^']|'')*(?:'|\Z)"
    r"|\"(?:[^\"]|\"\")*(?:\"|\Z)|\$(\w*)\$.*?(?:\$\1\$|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_ALTERED = re.compile(
    r"ALTER (?:FOREIGN )?TABLE (?:IF EXISTS )?(ONLY )?\S+ (?:\* )?(.*)", re.DOTALL
)
_ON_ONLY = re.compile(r"CREATE (?:UNIQUE )?INDEX\b.* ON ONLY ")


def actions(sql: str) -> tuple[str, bool]:
    """Give a statement in capitals, without comments, texts and quoted names, and if it says ONLY.

    An ALTER TABLE becomes one of each of its actions, a line each, without the table's name and
    what is in parentheses.
    """
    words = " ".join(_NOISE.sub(_without, sql).upper().split())
    altered = _ALTERED.match(words.replace(" .", ".").replace(". ", "."))
    if altered is None:
        return words, _ON_ONLY.match(words) is not None
    each = (" ".join(one.split()) for one in _outside(altered[2]).split(","))
    return "\n".join(f"ALTER TABLE {one}" for one in each), altered[1] is not None


def _outside(words: str) -> str:
    kept, depth = [], 0
    for sign in words:
        if sign in "([":
            kept += [] if depth else [" ("]
            depth += 1
        elif sign in ")]":
            depth = max(depth - 1, 0)
            kept += [] if depth else [") "]
        elif not depth:
            kept.append(sign)
    return "".join(kept)


def _without(noise: re.Match[str]) -> str:
    return {"-": " ", "/": " ", '"': "x"}.get(noise[0][0], "''")
