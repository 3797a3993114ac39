"""Where a GitHub has its API, and who issues its jobs' identity tokens. Pure."""

from urllib.parse import urlsplit

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
