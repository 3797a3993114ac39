"""Leads a command to its database through the proxy that sees what its statements lock."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from action import redact
from pgwire.beside.watch import TROUBLE
from pgwire.schema import diff, facts
from pgwire.text import plain
from pgwire.trace.places import Place, placed
from pgwire.trace.proxy import Proxy
from pgwire.trace.report import ELSEWHERE, LONGEST_NAME, Change, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence, Set
    from contextlib import AbstractContextManager

    from action.changed import File
    from action.loopback import Offer
    from pgwire.client import Session, Target
    from pgwire.schema.facts import Facts
    from pgwire.trace.report import Connection, Statement

NO_CONNECTION = "the command opened no connection by PGHOST or DATABASE_URL as it was given them"
NO_CATALOG = "the catalog of the database could not be read"
NOT_PLACED = "the files of the commit took too long to read"
_PLACES_SECONDS = 10.0
_FACTS_SECONDS = 12.0
"""The server gives up after ten."""
_Given = TypeVar("_Given")
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Tracing:
    """A command's way to its database, and what is seen on it."""

    variables: Mapping[str, str]
    """What the command gets."""
    proxy: Proxy | None = None
    untraced: str = ""
    """Why nothing is seen, though it was to be."""
    before: Callable[[], Facts | str] = lambda: ""
    """Gives the schema before the command, or why it is not known."""

    @property
    def saw_a_connection(self) -> bool:
        """Whether the command came to its database by this way."""
        return self.proxy is not None and self.proxy.is_visited

    def remarks(self, secrets: Sequence[str]) -> list[str]:
        """Say in a line each to which other databases it went, and where it was not let in."""
        if self.proxy is None:
            return []
        found = [*self.proxy.remarks, *self.proxy.remarks_on_strangers]
        return [_shown(each, secrets) for each in found]

    def kept_out(self, secrets: Sequence[str]) -> str:
        """Say who came and was not let in, where nobody else came; else empty."""
        if self.proxy is None or self.proxy.has_visitors:
            return ""
        return " ".join(self.remarks(secrets))

    def report(
        self,
        session: Session | None,
        secrets: Sequence[str],
        changed_files: Callable[[], Sequence[File]],
    ) -> Report | None:
        """Tell what was seen, without these secrets; None where nothing was to be seen.

        In the session, if any, it is read what became of the schema. The files are asked for only
        where a statement did something that people want to find.
        """
        if self.proxy is None:
            return Report(untraced=self.untraced) if self.untraced else None
        try:
            return self._told(self.proxy, session, secrets, changed_files)
        except Exception as error:  # whatever it is, the result of the command goes out
            return Report(untraced=f"a fault of the trace itself ({type(error).__name__})")

    def _told(
        self,
        proxy: Proxy,
        session: Session | None,
        secrets: Sequence[str],
        changed_files: Callable[[], Sequence[File]],
    ) -> Report:
        report = self._seen(proxy, session)
        remarks = self.remarks(secrets)
        own = remarks[: len(proxy.remarks)]
        if not report.connections:
            why = _reason(None if own else NO_CONNECTION, remarks)
            return Report(untraced=why, is_unused=not own)
        before = self.before()
        was_empty = not isinstance(before, str) and not any(kind == "table" for kind, _ in before)
        statements, is_placed = _placed(
            report.statements, proxy.texts(), secrets, changed_files, was_empty=was_empty
        )
        if not is_placed and report.untraced in (None, ELSEWHERE):
            report = replace(report, untraced=NOT_PLACED)
        shown = replace(
            report,
            statements=statements,
            was_empty=was_empty,
            connections=tuple(_without(one, secrets) for one in report.connections),
            untraced=_reason(
                None if own and report.untraced == ELSEWHERE else report.untraced, own
            ),
        )
        return self._with_changes(shown, before, session, secrets)

    def _seen(self, proxy: Proxy, session: Session | None) -> Report:
        try:
            return proxy.report(session)
        except TROUBLE:
            return proxy.report()

    def _with_changes(
        self,
        report: Report,
        before: Facts | str,
        session: Session | None,
        secrets: Sequence[str],
    ) -> Report:
        if isinstance(before, str):
            return replace(report, changes_unknown=before)
        after = _facts(session)
        if isinstance(after, str):
            return replace(report, changes_unknown=after)
        found = diff.changes(_hidden(before, after, secrets), _hidden(after, before, secrets))
        changes = tuple(
            Change(
                kind=each.kind,
                name=redact.hide(each.name, secrets),
                text=redact.hide(str(each), secrets),
                risk=each.risk,
            )
            for each in found.changes
        )
        return replace(report, changes=changes, more_changes=found.more)


def _reason(first: str | None, remarks: Sequence[str]) -> str | None:
    """Say why not all was traced."""
    reasons = [f"{first}." if first and remarks else first, *remarks]
    return plain(" ".join(filter(None, reasons))) or None


def _hidden(schema: Facts, other: Facts, secrets: Sequence[str]) -> Facts:
    """Hide secrets in what differs, before it is shortened."""
    return {
        key: about
        if other.get(key) == about
        else {name: redact.hide(value, secrets) for name, value in about.items()}
        for key, about in schema.items()
    }


def _without(connection: Connection, secrets: Sequence[str]) -> Connection:
    return replace(
        connection,
        database=_shown(connection.database, secrets),
        user=_shown(connection.user, secrets),
        application=_shown(connection.application, secrets),
    )


def _shown(text: str, secrets: Sequence[str]) -> str:
    """Make harmless what a client says of itself, which may be anything."""
    return plain(redact.hide(text, secrets), limit=LONGEST_NAME)


def _placed(
    statements: Sequence[Statement],
    texts: Sequence[bytes],
    secrets: Sequence[str],
    changed_files: Callable[[], Sequence[File]],
    *,
    was_empty: bool,
) -> tuple[tuple[Statement, ...], bool]:
    """Give the statements with their places, and whether these could be looked for."""
    is_wanted = any(
        one.locks or one.rewrites or one.may_lock_more or one.error for one in statements
    )
    files: Sequence[File] = ()
    is_placed = True
    try:
        files = changed_files() if is_wanted else ()
        give_up_at = time.monotonic() + _PLACES_SECONDS
        places = placed(
            texts,
            [(file.path, file.content) for file in files],
            is_once=was_empty,
            is_late=lambda: time.monotonic() > give_up_at,
        )
    except Exception:  # whatever it is, the report goes out
        places = [Place()] * len(texts)
        is_placed = False
    added = {file.path for file in files if file.is_added}
    new = {lock.relation for one in statements for lock in one.locks if lock.is_new}
    shown = tuple(
        replace(
            one if place.file in added else _of_before(one, new),
            sql=redact.hide(one.sql, secrets),
            file=redact.hide(place.file, secrets),
            line=place.line,
            accepted=redact.hide(place.accepted, secrets),
        )
        for one, place in zip(statements, places)
    )
    return shown, is_placed


def _of_before(statement: Statement, new: Set[str]) -> Statement:
    """Leave out what it did to tables that the same command had made.

    Of an empty database all are new, and what was done to them, production has long had; but for
    what stands in files that the commit added.
    """
    return replace(
        statement,
        locks=tuple(lock for lock in statement.locks if not lock.is_new),
        rewrites=tuple(name for name in statement.rewrites if name not in new),
        more_relations=0,  # of a report that is not shortened yet, they are what it had made
    )


@contextmanager
def traced(
    session: Session | None,
    target: Target,
    variables: Mapping[str, str],
    *,
    tls: Offer | None = None,
) -> Iterator[Tracing]:
    """Open the way while the command runs; where that fails, the command goes the usual one.

    The session is the one beside the command, in which the catalog is read: what can be locked
    before it begins, and the schema while it starts. What it says in here waits for that.
    """
    try:
        context = tls.context if tls else None
        proxy = Proxy(target, session, tls=context) if session is not None else None
    except Exception:  # whatever it is, the command goes on
        proxy = None
    if proxy is None:
        yield Tracing(variables=variables, untraced=NO_CATALOG)
        return
    with ThreadPoolExecutor(max_workers=1) as reader, proxy:
        asked = reader.submit(_asked, session).result
        proxy.hold(asked)
        there = led(variables, host=proxy.host, port=proxy.port)
        trust = {"PGSSLROOTCERT": str(tls.root)} if tls else {}
        yield Tracing(variables={**there, **trust}, proxy=proxy, before=lambda: _read(asked()))


def untraced(
    session: Session | None, target: Target, variables: Mapping[str, str]
) -> AbstractContextManager[Tracing]:
    """Let the command go the usual way, unseen."""
    return nullcontext(Tracing(variables=variables))


def _facts(session: Session | None) -> Facts | str:
    """Read the schema, or say why that cannot be."""
    return _read(_asked(session))


def _asked(session: Session | None) -> facts.Answer | str:
    if session is None:
        return NO_CATALOG
    with session.patient(_FACTS_SECONDS):
        return _or_why(facts.asked, session)


def _read(answer: facts.Answer | str) -> Facts | str:
    return answer if isinstance(answer, str) else _or_why(facts.read_in, answer)


def _or_why(read: Callable[[_Given], _Read], given: _Given) -> _Read | str:
    try:
        return read(given)
    except facts.NotRead as error:
        return str(error)
    except Exception:  # whatever it is, the command goes on
        return NO_CATALOG


def led(variables: Mapping[str, str], *, host: str, port: int) -> dict[str, str]:
    """Make variables of a database lead there instead, whose end of the way is not encrypted.

    The pooler's too, as migrations need sessions of their own anyway.
    """
    url = variables["DATABASE_URL"]
    moved = _moved(url, host=host, port=port)
    urls = (url, variables.get("DATABASE_URL_POOLED"))
    led = {name: moved if value in urls else value for name, value in variables.items()}
    return {**led, "PGHOST": host, "PGPORT": str(port), "PGSSLMODE": "disable"}


def _moved(url: str, *, host: str, port: int) -> str:
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    query = [
        (name, "disable" if name == "sslmode" else value) for name, value in parse_qsl(parts.query)
    ]
    return urlunsplit(parts._replace(netloc=f"{login}@{host}:{port}", query=urlencode(query)))
