"""Names that strangers chose, made harmless inside a sentence."""

_MAX_CHARACTERS = 120


def quoted(text: str) -> str:
    """The text in quotation marks, on one line, with every invisible character written out.

    For plain text such as workflow logs and JSON. Markdown and HTML need their own escaping on
    top.
    """
    shown = text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."
    visible = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in shown
    )
    return f'"{visible}"'
