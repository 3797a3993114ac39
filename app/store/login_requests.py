"""Requests for logins that another machine makes, in the state database."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg.types.json import Jsonb

from app.core.databases import Database
from app.core.identifiers import DatabaseId, RunId
from app.core.intents import Intent
from app.core.runs import LoginAnswer
from app.store.tables import Table

_ASK: LiteralString = """
    INSERT INTO login_requests (database_id, run_id, generation) VALUES (%s, %s, %s)
    ON CONFLICT (database_id, run_id) DO UPDATE SET (generation, asked_at, made_at, error)
        = (excluded.generation, now(), NULL, NULL)
"""
# Job logins and passwords may end or change: an answer is good for whoever waits for it.
_IS_WANTED: LiteralString = """
    SELECT FROM login_requests WHERE database_id = %s AND run_id IS NOT DISTINCT FROM %s
        AND made_at IS NULL AND asked_at > now() - interval '30 seconds'
"""
_ANSWER: LiteralString = """
    UPDATE login_requests SET (made_at, pooler_problem, error) = (now(), %s, %s)
    WHERE database_id = %s AND run_id IS NOT DISTINCT FROM %s AND made_at IS NULL
"""
_TAKE: LiteralString = """
    DELETE FROM login_requests WHERE database_id = %s AND run_id IS NOT DISTINCT FROM %s
        AND generation = %s AND made_at > now() - interval '30 seconds'
    RETURNING pooler_problem, error
"""


class LoginRequests(Table):
    """One for each database and whoever asks for its login; each is answered once."""

    def ask(self, database: Database, run_id: RunId | None, *, then: Sequence[Intent] = ()) -> None:
        """Ask, or go on asking: what nobody asks for any more is not made."""
        self._change(_ASK, [database.id, run_id, database.generation], then=then)

    def is_wanted(self, database_id: DatabaseId, run_id: RunId | None) -> bool:
        """Whether somebody asked in the last half minute and has no answer."""
        return bool(self._rows(_IS_WANTED, [database_id, run_id]))

    def answer(self, database_id: DatabaseId, run_id: RunId | None, answer: LoginAnswer) -> None:
        error = Jsonb(dict(answer.error)) if answer.error else None
        self._change(_ANSWER, [answer.pooler_problem, error, database_id, run_id])

    def take(self, database: Database, run_id: RunId | None) -> LoginAnswer | None:
        """The answer about this generation, once; None: there is none yet, or it is too old."""
        return self._one(LoginAnswer, _TAKE, [database.id, run_id, database.generation])
