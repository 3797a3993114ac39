"""Where the dashboard shows things, for those who read of them elsewhere."""

from urllib.parse import urlsplit

from app.core.addresses import is_loopback
from app.core.identifiers import AppId, RunId


def dashboard_for_readers(public_url: str, *, github_url: str) -> str | None:
    """The dashboard's address for people at GitHub.

    None: for them it means their own machine, as while `COPPICE_PUBLIC_URL` is not set. A GitHub on
    this machine, as in a demonstration, has its readers here.
    """
    is_here = means_this_machine(public_url) and not means_this_machine(github_url)
    return None if is_here else public_url


def means_this_machine(url: str) -> bool:
    """Whether the address leads every machine to itself."""
    host = urlsplit(url).hostname or ""
    return is_loopback(host) or host in ("0.0.0.0", "::")  # noqa: S104


def app_page(dashboard: str, app_id: AppId) -> str:
    return f"{dashboard}/apps/{app_id}"


def run_page(dashboard: str, app_id: AppId, run_id: RunId) -> str:
    return f"{app_page(dashboard, app_id)}/runs/{run_id}"
