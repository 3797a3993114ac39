"""What to do about an error at a terminal, where nobody tries a command again by itself."""

from app.core.errors import CoppiceError, GitHubUnavailable, TransientError

_GITHUB = (
    "Repeat the command when GitHub answers. If it does elsewhere: check COPPICE_GITHUB_API_URL"
    " and this machine's way to it (HTTPS_PROXY, firewall)."
)


def advice_at_terminal(error: CoppiceError) -> str:
    """The error's own advice, unless that is written for the service and its jobs."""
    if error.advice == CoppiceError.advice:
        return "Repeat the command; if it fails again, `coppice doctor` looks at everything."
    if error.advice != TransientError.advice:
        return error.advice
    if not isinstance(error, GitHubUnavailable):
        return "Repeat the command in a moment: nothing tries it again by itself."
    if error.retry_after_seconds is not None:
        return f"Repeat the command in {error.retry_after_seconds:.0f} seconds, as GitHub asks."
    return _GITHUB
