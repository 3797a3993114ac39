"""Listens on loopback for a command's connections, and carries each in a thread of its own.

Whatever goes wrong in here is nobody's failure: then messages are handed on as they are, and the
report says so.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pgwire import line as lines
from pgwire import messages
from pgwire.client import LoginRefused, Unreachable, explained, opened
from pgwire.line import Line, TlsFailed
from pgwire.scram import ScramFailed
from pgwire.text import plain
from pgwire.trace import door, look, relations
from pgwire.trace.conversation import Conversation
from pgwire.trace.door import Cancel, Guard, Startup, TurnedAway
from pgwire.trace.journal import Journal
from pgwire.trace.log import Log
from pgwire.trace.look import Habit
from pgwire.trace.pump import carry
from pgwire.trace.report import ELSEWHERE, Connection
from pgwire.trace.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgwire.client import Greeting, Session, Target
    from pgwire.trace.look import Looks
    from pgwire.trace.report import Report

_HOST = "127.0.0.1"
_LOGIN_SECONDS = 10.0
_MOST_AT_DOOR = 100
"""Clients that have not proved yet who they are: of more, whoever came first has to leave."""
_PAUSE_SECONDS = 0.1
_CLIENTS_FAULT = (OSError, messages.BrokenProtocol, ScramFailed, TurnedAway, ValueError)
_CONNECTION_FAILURE = "08006"
_ANSWER_SECONDS = 3.0
_MOST_REMARKS = 10
_LONGEST_TEXT = 10_000
"""Of what clients say of themselves: whoever tells it on looks for secrets, then shortens it."""
# Of PostgreSQL 18 and newer. A pooler's process is not the one that wrote: hence the question.
_PUBLISH = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_stat_force_next_flush()"
_WRITTEN = "SELECT pg_catalog.int8(wal_bytes) FROM pg_catalog.pg_stat_get_backend_wal({process_id})"


class Proxy:
    """Use as a context manager around the command, which is to connect to `host` and `port`."""

    host = _HOST

    def __init__(
        self, target: Target, session: Session, *, tls: ssl.SSLContext | None = None
    ) -> None:
        """Ask in that session what is there now. Raises what a session raises.

        `tls` is a context with a certificate for this address, for clients that insist on one.
        """
        self._target = target
        self._guard = Guard(user=target.user, password=target.password, tls=tls)
        self._looks = look.asked_before(session)
        self._log = Log(relations.read(session))
        self._session = session
        self._visits: list[_Visit] = []
        self._remarks: tuple[dict[str, None], dict[str, None]] = ({}, {})
        """Of those who were let in, and of strangers."""
        self._at_door: dict[int, Line] = {}
        self._lock = threading.Lock()
        self._is_closing = False
        self._wait: Callable[[], object] = lambda: None
        self._listener = socket.create_server((_HOST, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def hold(self, wait: Callable[[], object]) -> None:
        """Hand on nothing that may change the schema before that returns."""
        self._wait = wait

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._listen, daemon=True, name="trace").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closing = True
        # Wakes the thread that accepts; closing alone would not.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def report(self, session: Session | None = None) -> Report:
        """Tell what was seen so far; of what the command made only what that session can name.

        Raises what a session raises.
        """
        later = None
        if session is not None and self._log.needs_later:
            later = relations.read(session)
        connections = [each.told() for each in self._visits]
        return self._log.report(connections, now=time.monotonic(), later=later)

    @property
    def is_visited(self) -> bool:
        """Whether a connection to the target's own database was let in."""
        return any(each.asked.database == self._target.database for each in self._visits)

    @property
    def has_visitors(self) -> bool:
        """Whether a connection was let in, to whatever database."""
        return bool(self._visits)

    @property
    def remarks(self) -> list[str]:
        """Which other databases were visited, and whom the server refused: each once."""
        return list(self._remarks[0])

    @property
    def remarks_on_strangers(self) -> list[str]:
        """Who was not let in: each once, and the first, as it may be anybody on this machine."""
        return list(self._remarks[1])

    def _remark(self, text: str, *, is_stranger: bool = False) -> None:
        with self._lock:
            remarks = self._remarks[is_stranger]
            if len(remarks) < _MOST_REMARKS:
                remarks.setdefault(plain(text, limit=_LONGEST_TEXT))

    def texts(self) -> list[bytes]:
        """Give the texts of the report's statements as they were sent, with all values in them."""
        return self._log.texts()

    def _listen(self) -> None:
        while not self._is_closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # the client has gone again, or there are no more descriptors for now
                time.sleep(_PAUSE_SECONDS)
                continue
            client = Line(connection, time.monotonic() + _LOGIN_SECONDS)
            self._came(client)
            try:
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()
            except RuntimeError:  # no more threads for now
                self._left_door(client)
                client.close()

    def _came(self, client: Line) -> None:
        """Let it stand at the door, where whoever came first makes room for it."""
        with self._lock:
            self._at_door[id(client)] = client
            if len(self._at_door) > _MOST_AT_DOOR:
                first = self._at_door.pop(next(iter(self._at_door)))
                first.hang_up()

    def _left_door(self, client: Line) -> None:
        with self._lock:
            self._at_door.pop(id(client), None)

    def _serve(self, client: Line) -> None:
        with ExitStack() as stack, suppress(*_CLIENTS_FAULT):
            stack.callback(client.close)
            stack.callback(self._left_door, client)
            try:
                asked = door.admit(client, self._guard)
            except TurnedAway as error:
                self._remark(f"A connection was refused: {error}.", is_stranger=True)
                return
            except ssl.SSLError:
                why = "the client did not trust it"
                self._remark(f"A connection ended when its TLS began: {why}.", is_stranger=True)
                return
            if isinstance(asked, Cancel):
                self._cancel(asked)
                return
            self._left_door(client)
            client.limit(self._target.timeout_seconds + _LOGIN_SECONDS)
            found = self._log_in(client, asked)
            if found is not None:
                server, greeting = found
                stack.callback(server.close)
                self._carry(client, server, asked, greeting)

    def _cancel(self, asked: Cancel) -> None:
        """Pass it on, and wait until the server took it, as the client waits for us."""
        target = self._target
        until = time.monotonic() + target.timeout_seconds
        with closing(lines.connect(target.host, target.port, until=until)) as server:
            server.encrypt(target.host, target.sslmode, ca_certificate=target.ca_certificate)
            server.send(asked.request)
            with suppress(OSError):
                server.exactly(1)

    def _log_in(self, client: Line, asked: Startup) -> tuple[Line, Greeting] | None:
        target = replace(self._target, database=asked.database)
        until = time.monotonic() + target.timeout_seconds
        try:
            with explained(target):
                return opened(target, until=until, parameters=asked.parameters)
        except LoginRefused as error:
            self._remark(f'A connection to "{asked.database}" was refused by the server: {error}.')
            if error.answer is not None:
                client.send(messages.frame(b"E", error.answer.body))
            else:
                client.send(door.refusal(error.sqlstate or _CONNECTION_FAILURE, str(error)))
        except (TlsFailed, Unreachable) as error:
            self._remark(f"A connection found no way to the server: {error}.")
            client.send(door.refusal(_CONNECTION_FAILURE, f"the database: {error}"))
        return None

    def _carry(self, client: Line, server: Line, asked: Startup, greeting: Greeting) -> None:
        visit = _Visit(asked, Journal(self._log), self._looks, greeting)
        self._visits.append(visit)
        if asked.database != self._target.database:
            visit.conversation.stop(ELSEWHERE)
            self._remark(f'A connection went to another database, "{asked.database}".')
        elif "replication" in asked.parameters:
            visit.conversation.stop("it is a connection for replication")
        told = [messages.frame(each.kind, each.body) for each in greeting.messages]
        client.send(door.AUTHENTICATED + b"".join(told))
        try:
            carry(
                client.detach(),
                server.detach(),
                visit.conversation,
                before_change=self._wait,
                before_end=lambda: self._measure(visit, server),
            )
        except OSError:  # one of them is gone
            pass
        except Exception as error:  # said in the report, and the connection ends
            visit.conversation.stop(f"a connection was lost in the trace ({type(error).__name__})")
        finally:
            is_traced = visit.conversation.untraced is None
            visit.journal.closed(time.monotonic(), is_traced=is_traced)

    def _measure(self, visit: _Visit, server: Line) -> None:
        """Ask how much its session wrote, which nobody can once it has ended.

        Sessions publish that once in a second at most, and nothing of the last one without this.
        """
        if not visit.conversation.is_idle or not self._looks.tells_written:
            return
        with suppress(*_CLIENTS_FAULT, LoginRefused):
            server.limit(_ANSWER_SECONDS)
            server.send(messages.query(_PUBLISH))
            process_id = 0
            while (message := server.receive()).kind != b"Z":
                if message.kind == b"D":
                    process_id = int(messages.row(message)[0] or 0)
            [[written]] = self._session.rows(_WRITTEN.format(process_id=process_id))
            if written is not None:
                visit.wal_bytes = int(written)
                visit.journal.settled(visit.wal_bytes)


class _Visit:
    """One connection that was let in."""

    def __init__(self, asked: Startup, journal: Journal, looks: Looks, greeting: Greeting) -> None:
        self.asked = asked
        self.journal = journal
        self.conversation = Conversation(
            journal, Sources(_settings(greeting)), Habit(looks, process_id=greeting.process_id)
        )
        self.wal_bytes: int | None = None

    def told(self) -> Connection:
        application = self.asked.parameters.get("application_name", "")
        return Connection(
            database=plain(self.asked.database, limit=_LONGEST_TEXT),
            user=plain(self.asked.user, limit=_LONGEST_TEXT),
            application=plain(application, limit=_LONGEST_TEXT),
            statements=self.journal.statements,
            wal_bytes=self.wal_bytes,
            untraced=self.conversation.untraced or self.journal.untraced,
        )


def _settings(greeting: Greeting) -> dict[str, str]:
    pairs = [
        each.body.decode("utf-8", "replace").split("\0")
        for each in greeting.messages
        if each.kind == b"S"
    ]
    return {pair[0]: pair[1] for pair in pairs if len(pair) > 1}
