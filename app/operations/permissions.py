"""What GitHub said a moment ago of people's permissions and of branches: enough for looking."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from app.core.errors import CoppiceError, TransientError
from app.core.identifiers import BranchName, RepositoryId
from app.core.people import Actor
from app.core.repositories import Repository
from app.operations.ports.github import GitHub

SEEN_SECONDS = 30.0
"""For how long an answer is believed for looking, and for a refusal; what is to be done on the
strength of it always asks GitHub again."""

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class _Memory(Generic[Key, Answer]):
    def __init__(self) -> None:
        self._known: dict[Key, tuple[float, Answer]] = {}

    def get(self, key: Key) -> Answer | None:
        known = self._known.get(key)
        return known[1] if known is not None and time.monotonic() < known[0] else None

    def keep(self, key: Key, answer: Answer) -> Answer:
        now = time.monotonic()
        self._known = {each: kept for each, kept in self._known.items() if kept[0] > now}
        self._known[key] = (now + SEEN_SECONDS, answer)
        return answer


class Permissions:
    """One for each process."""

    def __init__(self) -> None:
        self._permissions = _Memory[tuple[int, RepositoryId], str]()
        self._protected = _Memory[RepositoryId, frozenset[BranchName]]()

    def of(
        self,
        github: Callable[[], GitHub],
        repository: Repository,
        actor: Actor,
        *,
        is_fresh: bool,
    ) -> str:
        """The account's permission on the repository; `none` for an operator without an account.

        Raises GitHubUnavailable.
        """
        if not is_fresh and (known := self.remembered(repository, actor)) is not None:
            return known
        if not actor.login or not repository.is_active:
            return "none"
        try:
            found = github().permission(repository, login=actor.login, user_id=actor.user_id)
        except TransientError:
            raise
        except CoppiceError:
            # GitHub lets the App look there no more, of which its event is still on the way. One
            # such repository must not take the lists of all others away from everybody.
            found = "none"
        return self._permissions.keep((actor.user_id, repository.id), found)

    def remembered(self, repository: Repository, actor: Actor) -> str | None:
        """The same as of a moment ago; None: that was not asked, or too long ago."""
        if not actor.login or not repository.is_active:
            return "none"
        return self._permissions.get((actor.user_id, repository.id))

    def protected_branches(
        self, github: Callable[[], GitHub], repository: Repository
    ) -> frozenset[BranchName]:
        """Nothing while GitHub does not say: whoever acts is asked about again."""
        known = self._protected.get(repository.id)
        if known is not None:
            return known
        try:
            found = github().protected_branches(repository)
        except CoppiceError:
            found = frozenset()
        return self._protected.keep(repository.id, found)
