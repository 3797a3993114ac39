"""All that the small GitHub knows, behind one lock."""

import itertools
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path

from demo.github.model import (
    Account,
    CheckRun,
    Comment,
    Delivery,
    Installation,
    Issue,
    OAuthCode,
    PullRequest,
    Repository,
    Token,
    UserToken,
    WorkflowRun,
)
from demo.github.objects.registrations import Conversion


class State:
    """Records by id. Hold `lock` for every read and write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        # Far above 32 bits, as GitHub's own are by now.
        self._ids = itertools.count(5_000_000_000 + secrets.randbelow(1_000_000) * 1000)
        self.clear()

    def clear(self) -> None:
        """Forget everything; ids go on."""
        self.accounts: dict[int, Account] = {}
        self.repositories: dict[int, Repository] = {}
        self.former_names: dict[str, int] = {}
        self.pull_requests: dict[tuple[int, int], PullRequest] = {}
        self.issues: dict[tuple[int, int], Issue] = {}
        self.comments: dict[int, Comment] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.user_tokens: dict[str, UserToken] = {}
        self.codes: dict[str, OAuthCode] = {}
        self.conversions: dict[str, Conversion] = {}
        self.teams: dict[tuple[str, str], dict[int, str]] = {}
        """Of an organisation and a slug: user id to `active` or `pending`."""
        self.members: set[tuple[int, int]] = set()
        """Organisation id and user id."""
        self.check_runs: dict[int, CheckRun] = {}
        self.workflow_runs: dict[int, WorkflowRun] = {}
        self.deliveries: list[Delivery] = []
        self.violations: list[str] = []

    def new_id(self) -> int:
        return next(self._ids)

    def account(self, login: str) -> Account | None:
        """Logins are compared without case, as GitHub does."""
        wanted = login.casefold()
        return next((a for a in self.accounts.values() if a.login.casefold() == wanted), None)

    def repository(self, full_name: str) -> Repository | None:
        """The repository of that name now; former names do not count."""
        wanted = full_name.casefold()
        return next(
            (r for r in self.repositories.values() if r.full_name.casefold() == wanted), None
        )

    def moved_repository(self, full_name: str) -> Repository | None:
        """The repository that once had this name, as long as no other has taken it."""
        repository_id = self.former_names.get(full_name.casefold())
        return None if repository_id is None else self.repositories.get(repository_id)

    def installation_of(self, repository: Repository) -> Installation | None:
        """The installation that sees the repository, suspended or not."""
        return next(
            (i for i in self.installations.values() if self.is_seen(repository, by=i)), None
        )

    @staticmethod
    def is_seen(repository: Repository, *, by: Installation) -> bool:
        if by.account.id != repository.owner.id:
            return False
        return by.repository_ids is None or repository.id in by.repository_ids


def utc_now() -> datetime:
    """Whole seconds, as GitHub's timestamps are."""
    return datetime.now(UTC).replace(microsecond=0)


def timestamp(at: datetime | None) -> str | None:
    """GitHub's way to write a time."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
