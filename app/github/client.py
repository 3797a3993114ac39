"""Questions to GitHub with the right token: single answers, whole lists, one repository's own."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from app.core.errors import Forbidden, GitHubUnavailable
from app.core.identifiers import InstallationId, RepositoryId
from app.core.repositories import Repository
from app.github.answers import items, number, read_repository
from app.github.failures import GitHubHasNot, TokenRefused
from app.github.tokens import READ, Scope, Tokens
from app.github.transport import Answer, Transport

T = TypeVar("T")

_MOST_PAGES = 1000
_PAGE_SIZE = {"per_page": "100"}
# The API stops counting there: https://docs.github.com/en/rest/actions/workflow-runs
_LONGEST_COUNTED_LIST = 1000


class Client:
    """Thread-safe. Every method raises GitHubUnavailable, GitHubRefused or GitHubHasNot."""

    def __init__(self, transport: Transport, tokens: Tokens) -> None:
        self._transport = transport
        self._tokens = tokens

    def as_app(self, method: str, path: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """A request with the App's own JWT."""
        return self._transport.request(
            method, path, token=self._tokens.of_app(), parameters=parameters
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        scope: Scope,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        """A request with an installation token; a token that GitHub refuses is renewed once."""
        token = self._tokens.of(scope)
        try:
            return self._transport.request(
                method, path, token=token, parameters=parameters, body=body
            )
        except TokenRefused:
            self._tokens.forget(scope, token)
        return self._transport.request(
            method, path, token=self._tokens.of(scope), parameters=parameters, body=body
        )

    def pages(
        self,
        path: str,
        *,
        scope: Scope,
        key: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> list[Any]:
        """A whole list; with `key` the lists inside objects that also count them.

        Raises GitHubUnavailable unless every page came, and as many records as were counted.
        """
        first = self.request(
            "GET", path, scope=scope, parameters={**_PAGE_SIZE, **(parameters or {})}
        )
        return whole_list(first, lambda link: self.request("GET", link, scope=scope), key=key)

    def find(
        self, repository: Repository, *parts: str, parameters: Mapping[str, str] | None = None
    ) -> Answer | None:
        """What the repository has there; None where it has nothing: the repository is confirmed."""
        path = repository_path(repository, *parts)
        try:
            return self.request(
                "GET", path, scope=scope_of(repository, READ), parameters=parameters
            )
        except GitHubHasNot:
            self.confirm(repository)
            return None

    def all_of(
        self,
        repository: Repository,
        *parts: str,
        what: str,
        key: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> list[Any]:
        """A whole list of the repository's, as `pages`; `what` it lists, in words.

        Raises GitHubUnavailable also where GitHub says that there is none such.
        """
        path = repository_path(repository, *parts)
        try:
            return self.pages(
                path, scope=scope_of(repository, READ), key=key, parameters=parameters
            )
        except GitHubHasNot as error:
            raise GitHubUnavailable(f"GitHub does not show {what}.") from error

    def confirm(self, repository: Repository) -> Repository:
        """The live repository of the stored name, read with the token of the facts.

        Whatever was just read about it counts only after this: a 404 may mean that the repository
        was lost from sight, and a former name may lead to somebody else's.
        Raises GitHubUnavailable when it cannot be read, Forbidden when it is another one.
        """
        scope = scope_of(repository, READ)
        try:
            answer = self.request("GET", repository_path(repository), scope=scope)
        except GitHubHasNot as error:
            raise GitHubUnavailable("GitHub does not show the repository.") from error
        live = read_repository(answer.data, scope.installation_id)
        require_same(live.id, repository)
        return live


def whole_list(
    answer: Answer, follow: Callable[[str], Answer], *, key: str | None = None
) -> list[Any]:
    """The records of a first page and of all that follow it."""
    records = list(items(answer.data, key))
    counted = None if key is None else number(answer.data, "total_count")
    pages = 1
    while answer.next_page is not None:
        if pages == _MOST_PAGES:
            raise GitHubUnavailable("GitHub's list does not end.")
        answer = follow(answer.next_page)
        records += items(answer.data, key)
        pages += 1
    if counted is not None and len(records) < min(counted, _LONGEST_COUNTED_LIST):
        raise GitHubUnavailable(f"GitHub listed {len(records)} of {counted} records.")
    return records


def scope_of(repository: Repository, permissions: Mapping[str, str]) -> Scope:
    """A token's scope for this repository alone. Raises Forbidden when the App is not there."""
    if repository.installation_id is None:
        raise Forbidden(
            f"The GitHub App is not installed for {repository.full_name}.",
            advice="Install the App there, or add the repository to its installation.",
            code="not_installed",
        )
    return scope(repository.installation_id, permissions, repository_id=repository.id)


def scope(
    installation_id: InstallationId,
    permissions: Mapping[str, str],
    *,
    repository_id: RepositoryId | None = None,
) -> Scope:
    return Scope(
        installation_id=installation_id,
        repository_id=repository_id,
        permissions=tuple(sorted(permissions.items())),
    )


def repository_path(repository: Repository | str, *parts: str) -> str:
    """The address of a repository or of something in it; every part is one path segment."""
    full_name = repository if isinstance(repository, str) else repository.full_name
    return "/".join(["/repos", *(_segment(each) for each in (*full_name.split("/"), *parts))])


def _segment(part: str) -> str:
    """One segment of a path, of whatever characters; `..` would otherwise leave its place."""
    if part in (".", ".."):
        return part.replace(".", "%2E")
    return quote(part, safe="", errors="replace")


def require_same(repository_id: RepositoryId, repository: Repository) -> None:
    """Raise Forbidden for an answer about another repository than the one asked for."""
    if repository_id != repository.id:
        raise Forbidden(
            f"{repository.full_name} is another repository at GitHub now.",
            advice="It was renamed, or deleted and made again; the App must be installed there.",
            code="other_repository",
        )
