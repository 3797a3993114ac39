"""Text that strangers chose, made harmless: in Markdown, and in plain sentences.

Inside GitHub's Markdown it is shown as it is, never as markup.
"""

import re
import unicodedata
from urllib.parse import quote

# What an address may hold as it is. Not parentheses, which end a link.
_OF_ADDRESSES = ":/?#[]@!$&'*+,;=%~"
_BACKTICKS = re.compile(r"`+")
# Control, format (direction overrides, zero width), lone surrogate, private and unassigned
# characters, and the line and paragraph separators: all of them can make a text look like another.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def code(text: str) -> str:
    """One line as a code span: no mention, link or HTML can come out of it.

    Invisible characters are shown as their code point.
    """
    shown = visible(text) or " "
    fence = "`" * (_longest_run(shown) + 1)
    # Markdown strips one space from both ends, which keeps a leading backtick off the fence.
    return f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown}{fence}"


def cell(text: str) -> str:
    """One line as a code span inside a table, where a bar would end the cell even in code.

    Broken, not escaped: renderers differ in what a backslash before the escaping one means.
    https://github.github.com/gfm/#example-200
    """
    return code(text.replace("|", "\N{BROKEN BAR}"))


def block(text: str) -> str:
    """Several lines as a fenced block, with a fence longer than any inside."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def link(words: str, address: str) -> str:
    """Words of our own that lead to an address; nothing in it ends the link early.

    https://spec.commonmark.org/0.31.2/#link-destination
    """
    return f"[{words}]({quote(address, safe=_OF_ADDRESSES)})"


def visible(text: str) -> str:
    """The text on one line, with invisible characters written as `<U+202E>`."""
    return "".join(
        f"<U+{ord(letter):04X}>" if unicodedata.category(letter) in _INVISIBLE else letter
        for letter in text
    )


def plain_lines(text: str) -> str:
    """Output of a program without terminal control: colours, cursor moves and bells removed."""
    without_colours = _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return "".join(
        letter
        for letter in without_colours
        if letter in "\n\t" or unicodedata.category(letter) not in _INVISIBLE
    )


# CSI, OSC (ended by BEL or ST) and two-byte escape sequences.
# https://ecma-international.org/publications-and-standards/standards/ecma-48/
_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)


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
