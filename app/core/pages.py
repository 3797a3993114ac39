"""Addresses: of the dashboard's pages, of a GitHub's, of its API and of its jobs' identity."""

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


GITHUB_URL = "https://github.com"
_NAMES = ("github.com", "www.github.com")


def is_public_github(github_url: str) -> bool:
    """Whether it means github.com, however it is written. Hosts are compared without their case."""
    url = urlsplit(github_url)
    is_usual = url.port in (None, 80, 443) and not url.path.strip("/")
    return (url.hostname or "") in _NAMES and is_usual


def api_of(github_url: str) -> str:
    """The REST API of github.com, of an enterprise with data residency, or of a server."""
    if github_url == GITHUB_URL:
        return "https://api.github.com"
    if tenant := _tenant(github_url):
        return f"https://api.{tenant}.ghe.com"
    # https://docs.github.com/en/enterprise-server@latest/rest/quickstart
    return f"{github_url}/api/v3"


def issuer_of(github_url: str) -> str:
    """The issuer of the OIDC tokens of its jobs."""
    if github_url == GITHUB_URL:
        return "https://token.actions.githubusercontent.com"
    if tenant := _tenant(github_url):
        return f"https://token.actions.{tenant}.ghe.com"
    # https://docs.github.com/en/enterprise-server@latest/actions/reference/security/oidc
    return f"{github_url}/_services/token"


def _tenant(github_url: str) -> str | None:
    """The name of an enterprise with data residency, which is at `https://NAME.ghe.com`.

    https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency/feature-overview-for-github-enterprise-cloud-with-data-residency
    """
    name, _, rest = (urlsplit(github_url).hostname or "").partition(".")
    return name if rest == "ghe.com" else None
