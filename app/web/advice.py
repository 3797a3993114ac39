"""What to do about an error, for those whose request is over and is not tried again by itself."""

import re

from app.core.errors import CoppiceError, TransientError


def advice_for(error: CoppiceError) -> str:
    """The error's own advice, unless that is written for the service's jobs."""
    if error.advice != TransientError.advice:
        return error.advice
    seconds = getattr(error, "retry_after_seconds", None)
    if seconds is not None:
        return f"Try it again in {max(1, round(seconds))} seconds, as GitHub asks."
    return "Try it again in a moment."


# A command or an option, as advice for all readers has it in brackets.
_COMMAND = re.compile(r" \((?:`[^`()]+`|--[^()]+)\)")


def advice_on_page(error: CoppiceError) -> str:
    """The same for who reads a page, where the words of the command line are of no use."""
    return on_page(advice_for(error))


def on_page(text: str) -> str:
    """A text for all readers, without the words of the command line that it has in brackets."""
    return _COMMAND.sub("", text)
