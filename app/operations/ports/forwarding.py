"""What operations ask of the state database about logins that another machine makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.core.databases import Database
from app.core.identifiers import DatabaseId, RunId
from app.core.intents import Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAnswer:
    """What a machine says to a request: the login stands in the state database, or why not."""

    pooler_problem: str | None = None
    """Why the pooler is left out."""
    error: Mapping[str, str] | None = None
    """How it was refused: kind, code, message and advice."""


class LoginRequests(Protocol):
    """One for each database and whoever asks for its login; each is answered once."""

    def ask(self, database: Database, run_id: RunId | None, *, then: Sequence[Intent] = ()) -> None:
        """Ask, or go on asking: what nobody asks for any more is not made."""

    def is_wanted(self, database_id: DatabaseId, run_id: RunId | None) -> bool:
        """Whether somebody asked in the last half minute and has no answer."""

    def answer(
        self, database_id: DatabaseId, run_id: RunId | None, answer: LoginAnswer
    ) -> None: ...

    def take(self, database: Database, run_id: RunId | None) -> LoginAnswer | None:
        """The answer about this generation, once; None: there is none yet, or it is too old."""
