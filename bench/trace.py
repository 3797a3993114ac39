"""What the trace costs a command: the same work direct and through the proxy, in pairs."""

import multiprocessing
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from action.tracing import traced
from app.core.instances import AdminLogin
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.sessions import admin_login, connect
from bench.relay import relay
from pgwire.client import Target, session
from pgwire.trace.proxy import Proxy

_ROUND_TRIP_SECONDS = 0.020
_STATEMENTS = 240
_ROWS = 20_000
_PATIENCE_SECONDS = 120
_TABLES = (20, 200, 1000)
_TABLE = """
CREATE TABLE t{number} (id bigserial PRIMARY KEY, name text NOT NULL, email text DEFAULT '',
  made timestamptz NOT NULL DEFAULT now(), other bigint REFERENCES t{other}, CHECK (id > 0));
CREATE INDEX ON t{number} (name); CREATE INDEX ON t{number} (other) WHERE other > 0
"""
Work = Callable[["psycopg.Connection[Any]"], None]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The same work both ways, in seconds of the wall and, of the proxy, of its processor."""

    direct: float
    traced: float


def measure(pairs: int, runs: int) -> None:
    """Print medians of pairs, and run so many connections to see that none hangs."""
    with _server() as near, _elsewhere(relay, near.port, _ROUND_TRIP_SECONDS / 2) as far_port:
        far = replace(near, port=far_port)
        print(f"The same work direct and traced, {pairs} pairs, seconds and the ratio in a pair:")
        for name, target, work in (
            (f"{_STATEMENTS} statements of DDL, 20 ms away", far, _define),
            (f"{_STATEMENTS} statements of DDL, local", near, _define),
            (f"{_ROWS} rows of executemany, local", near, _insert),
            ("a result of 100 MB, local", near, _read),
            ("COPY of 50 MB into a table, local", near, _copy),
        ):
            _row(name, [_pair(target, work, number) for number in range(pairs)])
        _start(near, pairs)
        _repeat(near, runs)


def _row(name: str, pairs: list[Pair]) -> None:
    direct, traced = ([getattr(pair, way) for pair in pairs] for way in ("direct", "traced"))
    ratios = [pair.traced / pair.direct for pair in pairs]
    print(
        f"  {name:<40} {statistics.median(direct):7.2f} {statistics.median(traced):7.2f}"
        f"   x {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        flush=True,
    )


def _pair(target: Target, work: Work, number: int) -> Pair:
    with _elsewhere(_trace, target) as port:
        ways = {"direct": target, "traced": replace(target, host="127.0.0.1", port=port)}
        order = list(ways) if number % 2 else list(ways)[::-1]
        return Pair(**{way: _seconds(ways[way], work) for way in order})


def _seconds(target: Target, work: Work) -> float:
    with _connected(target) as connection:
        connection.execute("DROP TABLE IF EXISTS t; CREATE TABLE t (a int, b text)")
        start = time.perf_counter()
        work(connection)
        return time.perf_counter() - start


def _define(connection: "psycopg.Connection[Any]") -> None:
    for number in range(_STATEMENTS):
        connection.execute(f"ALTER TABLE t ADD COLUMN c{number} int".encode())


def _insert(connection: "psycopg.Connection[Any]") -> None:
    with connection.transaction():
        rows = [(number, "x") for number in range(_ROWS)]
        connection.cursor().executemany("INSERT INTO t VALUES (%s, %s)", rows)


def _read(connection: "psycopg.Connection[Any]") -> None:
    connection.execute("SELECT repeat('x', 1000) FROM generate_series(1, 100000)")


def _copy(connection: "psycopg.Connection[Any]") -> None:
    block = ("1\t" + "x" * 498 + "\n") * 1000
    with connection.cursor().copy("COPY t FROM STDIN") as copy:
        for _ in range(100):
            copy.write(block)


def _start(target: Target, pairs: int) -> None:
    """A command that connects at once, from the moment at which it could have been started.

    It is a thread here, and there is no shell: what a real command takes to begin is not in it.
    """
    print("What comes before a command's first answer, milliseconds, and more than direct:")
    for tables in _TABLES:
        with _connected(target) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            for number in range(tables):
                connection.execute(_TABLE.format(number=number, other=number // 2).encode())
        for name, text in (("reads", "SELECT 1"), ("changes", "CREATE TEMPORARY TABLE t ()")):
            found = [
                Pair(direct=_answered(target, text), traced=_answered_in_trace(target, text))
                for _ in range(pairs)
            ]
            direct, more = (
                [each.direct * 1000 for each in found],
                [(each.traced - each.direct) * 1000 for each in found],
            )
            print(
                f"  {tables} tables, it {name} at once".ljust(42)
                + f"{statistics.median(direct):7.1f} + {statistics.median(more):.1f}"
                f" ({min(more):.1f} to {max(more):.1f})",
                flush=True,
            )


def _answered(target: Target, text: str) -> float:
    start = time.perf_counter()
    with _connected(target) as connection:
        connection.execute(text.encode())
        return time.perf_counter() - start


def _answered_in_trace(target: Target, text: str) -> float:
    url = f"postgresql://{target.user}@{target.host}:{target.port}/{target.database}"
    with session(target) as beside:
        start = time.perf_counter()
        with traced(beside, target, {"DATABASE_URL": url}) as tracing:
            led = replace(target, host="127.0.0.1", port=int(tracing.variables["PGPORT"]))
            with _connected(led) as connection:
                connection.execute(text.encode())
                return time.perf_counter() - start


def _repeat(target: Target, runs: int) -> None:
    """Many short commands, one after the other; a statement that hangs is cut, and raises."""
    if not runs:
        return
    longest = 0.0
    with _elsewhere(_trace, target) as port:
        through = replace(target, host="127.0.0.1", port=port)
        for number in range(runs):
            start = time.perf_counter()
            with _connected(through, options=f"-c statement_timeout={_PATIENCE_SECONDS}s") as one:
                one.execute("DROP TABLE IF EXISTS r; CREATE TABLE r (a int)")
                one.execute("BEGIN; ALTER TABLE r ADD b int; INSERT INTO r VALUES (1, 1); COMMIT")
                rows = [(each, number) for each in range(100)]
                one.cursor().executemany("INSERT INTO r VALUES (%s, %s)", rows)
                with one.cursor().copy("COPY r FROM STDIN") as copy:
                    copy.write("1\t1\n" * 1000)
                one.execute("SELECT * FROM r")
            longest = max(longest, time.perf_counter() - start)
    print(f"{runs} runs through one proxy, none hung; the longest took {longest:.1f} seconds")


@contextmanager
def _server() -> Iterator[Target]:
    with tempfile.TemporaryDirectory(prefix="coppice-bench-") as folder:
        Path(folder).chmod(0o711)  # as root, the server runs as another account
        server = EmbeddedServer(Path(folder) / "cluster")
        admin = server.start()
        try:
            yield _database(admin)
        finally:
            server.destroy()


def _database(admin: AdminLogin) -> Target:
    password = secrets.token_hex(16)
    with connect(admin_login(admin)) as connection:
        role = sql.SQL("CREATE ROLE bench LOGIN PASSWORD {}").format(sql.Literal(password))
        connection.execute(role)
        connection.execute("CREATE DATABASE bench OWNER bench")
    return Target(
        host=admin.address.host,
        port=admin.address.port,
        database="bench",
        user="bench",
        password=password,
        sslmode="disable",
        ca_certificate=None,
    )


def _connected(target: Target, *, options: str = "") -> "psycopg.Connection[Any]":
    return psycopg.connect(
        host=target.host,
        port=target.port,
        dbname=target.database,
        user=target.user,
        password=target.password,
        options=options,
        sslmode="disable",
        autocommit=True,
    )


@contextmanager
def _elsewhere(serve: Callable[..., None], *arguments: Any) -> Iterator[int]:
    """Run that in a process of its own, as the Action's is not the command's; gives its port."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(*arguments, there), daemon=True
    )
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def _trace(target: Target, ready: Connection) -> None:
    with session(target) as beside, Proxy(target, beside) as proxy:
        ready.send(proxy.port)
        ready.recv()
