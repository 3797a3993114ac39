"""What to do about an error, for those whose request is over and is not tried again by itself."""

from app.core.errors import CoppiceError, TransientError


def advice_for(error: CoppiceError) -> str:
    """The error's own advice, unless that is written for the service's jobs."""
    if error.advice != TransientError.advice:
        return error.advice
    seconds = getattr(error, "retry_after_seconds", None)
    if seconds is not None:
        return f"Try it again in {max(1, round(seconds))} seconds, as GitHub asks."
    return "Try it again in a moment."
