"""Where the dashboard shows things for those who read of them elsewhere, and GitHub for ours."""

from urllib.parse import quote, urlencode, urlsplit

from app.core.addresses import is_loopback
from app.core.identifiers import AppId, RunId
from app.core.repositories import Repository
from app.core.workflow_file import WorkflowFile

_LONGEST_ADDRESS = 8000
"""GitHub answers 414 to addresses of more than 8 kB."""


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


def new_file_page(github_url: str, repository: Repository, file: WorkflowFile) -> str:
    """Where GitHub asks whether to commit this file to the default branch.

    The file's text is in the address; a very long one is left out, and has to be pasted there.
    """
    branch = quote(repository.default_branch)
    page = f"{github_url}/{repository.full_name}/new/{branch}"
    whole, name = (
        f"{page}?{urlencode(given, quote_via=quote)}"
        for given in ({"filename": file.path, "value": file.text}, {"filename": file.path})
    )
    return whole if len(whole) <= _LONGEST_ADDRESS else name
