"""Where things are on the pages: GitHub's own addresses."""

from urllib.parse import quote

from demo.github.model import Repository


def of(repository: Repository, *parts: object) -> str:
    """The path of a repository's page; the slashes of a branch's name stay."""
    return "/" + "/".join([repository.full_name, *(quote(str(part)) for part in parts)])
