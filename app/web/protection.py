"""Which branches GitHub protects, as it said a moment ago: for looking only."""

import time

from app.core.errors import CoppiceError
from app.core.identifiers import BranchName, RepositoryId
from app.core.repositories import Repository
from app.operations.services import Services
from app.web.identity import SEEN_SECONDS


class Protection:
    """What is known of repositories. One for each process."""

    def __init__(self) -> None:
        self._known: dict[RepositoryId, tuple[float, frozenset[BranchName]]] = {}

    def of(self, services: Services, repository: Repository) -> frozenset[BranchName]:
        """Nothing while GitHub does not say: whoever acts is asked about again."""
        now = time.monotonic()
        until, known = self._known.get(repository.id, (0.0, frozenset[BranchName]()))
        if now < until:
            return known
        try:
            known = services.github.protected_branches(repository)
        except CoppiceError:
            known = frozenset()
        self._known = {each: kept for each, kept in self._known.items() if kept[0] > now}
        self._known[repository.id] = (now + SEEN_SECONDS, known)
        return known
