"""What is said of a statement is what PostgreSQL does to a table that has rows, and mends it."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from app.core import safer_ways
from app.core.safer_ways import SaferWay, safer_way
from pgwire.client import Target
from tests.integration.trace.conftest import connected

ROWS = """
SET client_min_messages = warning;
SET timezone = 'UTC';
DROP SCHEMA IF EXISTS other CASCADE;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
CREATE TABLE tags (id int PRIMARY KEY);
INSERT INTO tags SELECT generate_series(0, 9);
CREATE DOMAIN plain AS int;
CREATE DOMAIN positive AS int CHECK (value >= 0);
CREATE TABLE users (id int, b int, c text, at timestamp, d plain, e positive,
    g int GENERATED ALWAYS AS (id) STORED);
INSERT INTO users SELECT i, i % 10, i, now(), i, i FROM generate_series(1, 100) i;
CREATE UNIQUE INDEX by_id ON users (id);
ALTER TABLE users ADD CONSTRAINT later CHECK (b >= 0) NOT VALID;
ALTER TABLE users ADD CONSTRAINT never FOREIGN KEY (b) REFERENCES tags NOT ENFORCED;
CREATE TABLE days (day int, v int, id int GENERATED ALWAYS AS IDENTITY) PARTITION BY LIST (day);
CREATE TABLE monday PARTITION OF days FOR VALUES IN (1);
CREATE TABLE others PARTITION OF days DEFAULT;
INSERT INTO days SELECT 1 + i % 2, i FROM generate_series(1, 100) i;
CREATE TABLE years (year int PRIMARY KEY) PARTITION BY LIST (year);
CREATE TABLE first PARTITION OF years FOR VALUES IN (1);
CREATE TABLE second PARTITION OF years FOR VALUES IN (2);
INSERT INTO years VALUES (1), (2);
CREATE TABLE events (year int REFERENCES years);
INSERT INTO events SELECT 1 FROM generate_series(1, 100);
CREATE TABLE weeks (week int, v int) PARTITION BY LIST (week);
CREATE TABLE one PARTITION OF weeks FOR VALUES IN (1);
CREATE TABLE two PARTITION OF weeks FOR VALUES IN (2);
INSERT INTO weeks SELECT 1 + i % 2, i % 10 FROM generate_series(1, 10) i;
CREATE TABLE three (week int, v int);
INSERT INTO three SELECT 3, i FROM generate_series(1, 100) i;
CREATE MATERIALIZED VIEW counts AS SELECT id FROM tags;
CREATE UNIQUE INDEX ON counts (id);
CREATE SCHEMA other;
CREATE TABLE other.notes (tag int REFERENCES tags);
"""
FAILS, REWRITES, READS, QUICK = "fails", "rewrites", "reads", "quick"
U, D, W = "ALTER TABLE users", "ALTER TABLE days", "ALTER TABLE weeks"
SAID = {
    f"{U} ADD x int NOT NULL": (FAILS, "without a default"),
    f"{U} ADD x int PRIMARY KEY": (FAILS, "without a default"),
    f"{U} ADD x int NOT NULL DEFAULT NULL": (FAILS, "without a default"),
    f"{U} ADD x int NOT NULL REFERENCES tags ON DELETE SET DEFAULT": (FAILS, "without a default"),
    f"{U} ADD y int, ADD COLUMN IF NOT EXISTS x plain NOT NULL": (FAILS, "without a default"),
    f"{U} ADD x int NOT NULL DEFAULT 0, ADD y int": (QUICK, "only needed for a moment"),
    f"{U} ADD x int[] DEFAULT ARRAY[1, 2], ADD y text DEFAULT '),'": (QUICK, "for a moment"),
    f"{U} ADD x int NOT NULL GENERATED ALWAYS AS IDENTITY": (REWRITES, "is worked out"),
    f"{U} ADD x serial NOT NULL": (REWRITES, "is worked out"),
    f"{U} ADD x int GENERATED ALWAYS AS (b * 2) STORED": (REWRITES, "is worked out"),
    f"{U} ADD x positive": (REWRITES, "is worked out"),
    f"{U} ADD x int GENERATED ALWAYS AS (b * 2) VIRTUAL": (QUICK, "for a moment"),
    f"{U} ADD x int NOT NULL GENERATED ALWAYS AS (b * 2) VIRTUAL": (READS, "becomes `NOT NULL`"),
    f"{U} ADD x int GENERATED ALWAYS AS (b * 2) VIRTUAL NOT NULL": (READS, "becomes `NOT NULL`"),
    f"{U} ALTER b SET NOT NULL, ALTER c SET DEFAULT 'x'": (READS, "becomes `NOT NULL`"),
    f"{U} ADD CONSTRAINT n NOT NULL b": (READS, "becomes `NOT NULL`"),
    f"{U} ADD CONSTRAINT n NOT NULL b NOT VALID": (QUICK, "for a moment"),
    f"{U} ADD PRIMARY KEY USING INDEX by_id": (READS, "becomes `NOT NULL`"),
    f"{U} ADD UNIQUE USING INDEX by_id": (QUICK, "for a moment"),
    f"{U} ADD UNIQUE (c)": (READS, "unique or primary key"),
    f"{U} ADD x int REFERENCES tags": (QUICK, "for a moment"),
    f"{U} ADD x int DEFAULT 1 REFERENCES tags": (READS, "foreign key"),
    f"{U} ADD FOREIGN KEY (b) REFERENCES tags, ADD CHECK (b > -1) NOT VALID": (READS, "foreign"),
    f"{U} ALTER CONSTRAINT never ENFORCED": (READS, "foreign key"),
    f"{U} ADD CHECK (b > -1), ADD CHECK (b > -2) NOT VALID": (READS, "constraint that is checked"),
    f"{U} ADD x int CHECK (x > 0)": (READS, "constraint that is checked"),
    f"{U} ADD CHECK (b > -1) NOT VALID": (QUICK, "for a moment"),
    f"{U} ADD x int, VALIDATE CONSTRAINT later": (READS, "validated along with"),
    f"{U} ADD EXCLUDE USING btree (id WITH =)": (READS, "exclusion constraint"),
    f"{U} ALTER b TYPE bigint": (REWRITES, "another type"),
    f"{U} ALTER c TYPE varchar": (QUICK, "another type, without"),
    f"{U} ALTER at TYPE timestamptz": (QUICK, "its time zone"),
    f"SET LOCAL timezone = 'Europe/Berlin'; {U} ALTER at TYPE timestamptz": (REWRITES, "time zone"),
    f"{U} DROP b": (QUICK, "column that goes"),
    f"{U} DROP CONSTRAINT later": (QUICK, "for a moment"),
    f"{U} RENAME b TO f": (QUICK, "another name"),
    f"{U} RENAME CONSTRAINT later TO sooner": (QUICK, "for a moment"),
    f"{U} SET UNLOGGED": (REWRITES, "written anew"),
    f"{U} ALTER g SET EXPRESSION AS (id + 1)": (REWRITES, "written anew"),
    "ALTER DOMAIN plain SET NOT NULL": (READS, "domain's constraint"),
    "ALTER DOMAIN plain ADD CHECK (value > 0)": (READS, "domain's constraint"),
    "ALTER DOMAIN plain ADD CONSTRAINT k CHECK (value > 0) NOT VALID": (QUICK, "for a moment"),
    "DROP DOMAIN positive CASCADE": (QUICK, "goes with all"),
    "DROP SCHEMA other CASCADE": (QUICK, "goes with all"),
    "DROP TABLE monday": (QUICK, "table that goes"),
    "CREATE TABLE tuesday PARTITION OF days FOR VALUES IN (3)": (READS, "new partition"),
    f"{W} ATTACH PARTITION three FOR VALUES IN (3)": (READS, "is attached"),
    f"{D} DETACH PARTITION monday": (QUICK, "is detached"),
    "ALTER TABLE years DETACH PARTITION second": (READS, "is detached"),
    f"{W} ALTER v TYPE bigint": (REWRITES, "each partition anew"),
    f"{W} ADD x uuid DEFAULT gen_random_uuid()": (REWRITES, "each partition anew"),
    f"{W} ADD x int DEFAULT 1": (QUICK, "for a moment"),
    f"{W} ADD x int DEFAULT 1 CHECK (x > 0)": (READS, "constraint that is checked"),
    "CREATE INDEX ON weeks (v)": (READS, "made while writes wait"),
    "CREATE INDEX ON ONLY weeks (v)": (QUICK, "for a moment"),
    "ALTER TABLE ONLY weeks ADD CONSTRAINT k UNIQUE (week)": (QUICK, "for a moment"),
    "DROP INDEX by_id": (QUICK, "dropped while all wait"),
    "REINDEX INDEX by_id": (READS, "made anew while others wait"),
    "TRUNCATE users": (REWRITES, "emptied"),
    "CLUSTER users USING by_id": (REWRITES, "sorted anew"),
    "LOCK TABLE tags IN SHARE MODE": (QUICK, "asked for"),
    "REFRESH MATERIALIZED VIEW counts": (REWRITES, "refreshed while reads wait"),
}
"""What each statement does, and what is said then."""
INSTEAD = """
ALTER TABLE users ADD x int NOT NULL DEFAULT 0;
ALTER TABLE users ADD CONSTRAINT a CHECK (b IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT a;
ALTER TABLE users ALTER b SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT a;
ALTER TABLE users ADD CONSTRAINT n NOT NULL id NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT n;
CREATE UNIQUE INDEX CONCURRENTLY i ON users (id);
ALTER TABLE users ADD CONSTRAINT i UNIQUE USING INDEX i;
CREATE UNIQUE INDEX CONCURRENTLY k ON users (id);
ALTER TABLE users ADD PRIMARY KEY USING INDEX k;
---
ALTER TABLE users ADD x int;
ALTER TABLE users ALTER x SET DEFAULT 0;
UPDATE users SET x = id WHERE id <= 50;
UPDATE users SET x = id WHERE id > 50;
ALTER TABLE users ADD CONSTRAINT n NOT NULL x NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT n;
ALTER TABLE users ALTER x DROP DEFAULT;
ALTER TABLE users ALTER x ADD GENERATED BY DEFAULT AS IDENTITY (START 101);
INSERT INTO users (id) VALUES (101);
ALTER TABLE users ADD y int GENERATED ALWAYS AS (b * 2) VIRTUAL;
SET timezone = 'UTC';
ALTER TABLE users ALTER at TYPE timestamptz;
ALTER TABLE users ALTER at TYPE timestamp;
DELETE FROM users WHERE id < 10;
VACUUM users;
REINDEX INDEX CONCURRENTLY by_id;
DROP INDEX CONCURRENTLY by_id;
REFRESH MATERIALIZED VIEW CONCURRENTLY counts;
---
ALTER TABLE users ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES tags NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT f;
ALTER TABLE weeks ADD CONSTRAINT f FOREIGN KEY (v) REFERENCES tags NOT VALID;
ALTER TABLE weeks VALIDATE CONSTRAINT f;
ALTER DOMAIN plain ADD CONSTRAINT k CHECK (value IS NOT NULL) NOT VALID;
---
ALTER TABLE one ADD CONSTRAINT f FOREIGN KEY (v) REFERENCES tags NOT VALID;
ALTER TABLE one VALIDATE CONSTRAINT f;
ALTER TABLE two ADD CONSTRAINT f FOREIGN KEY (v) REFERENCES tags NOT VALID;
ALTER TABLE two VALIDATE CONSTRAINT f;
ALTER TABLE weeks ADD CONSTRAINT f FOREIGN KEY (v) REFERENCES tags;
---
ALTER TABLE others ADD CONSTRAINT k CHECK (day <> 3) NOT VALID;
ALTER TABLE others VALIDATE CONSTRAINT k;
CREATE TABLE tuesday (LIKE days INCLUDING ALL EXCLUDING IDENTITY);
ALTER TABLE tuesday ADD CONSTRAINT k CHECK (day IS NOT NULL AND day = 3) NOT VALID;
INSERT INTO tuesday (day, v, id) SELECT 3, 1, i FROM generate_series(201, 300) i;
ALTER TABLE tuesday VALIDATE CONSTRAINT k;
ALTER TABLE days ATTACH PARTITION tuesday FOR VALUES IN (3);
ALTER TABLE others DROP CONSTRAINT k;
ALTER TABLE tuesday DROP CONSTRAINT k;
SET lock_timeout = '3s';
ALTER TABLE days DETACH PARTITION monday;
RESET lock_timeout;
DROP TABLE monday;
ALTER TABLE weeks DETACH PARTITION one CONCURRENTLY;
DROP TABLE one;
---
CREATE INDEX i ON ONLY weeks (v);
CREATE INDEX CONCURRENTLY i1 ON one (v);
ALTER INDEX i ATTACH PARTITION i1;
CREATE INDEX CONCURRENTLY i2 ON two (v);
ALTER INDEX i ATTACH PARTITION i2;
REINDEX TABLE CONCURRENTLY weeks;
DROP INDEX i;
DELETE FROM weeks;
ALTER TABLE ONLY weeks ADD CONSTRAINT k UNIQUE (week);
CREATE UNIQUE INDEX CONCURRENTLY k1 ON one (week);
ALTER TABLE one ADD CONSTRAINT k1 UNIQUE USING INDEX k1;
ALTER INDEX k ATTACH PARTITION k1;
CREATE UNIQUE INDEX CONCURRENTLY k2 ON two (week);
ALTER TABLE two ADD CONSTRAINT k2 UNIQUE USING INDEX k2;
ALTER INDEX k ATTACH PARTITION k2;
"""
REFUSED = (
    f"{D} DETACH PARTITION monday CONCURRENTLY",  # because of the default partition
    "CREATE INDEX CONCURRENTLY ON weeks (v)",
    f"{W} ADD CONSTRAINT k UNIQUE USING INDEX one_week",
    "DROP INDEX CONCURRENTLY by_v",
    "DROP INDEX tags_pkey",
    f"CREATE TABLE a (LIKE days INCLUDING ALL); {D} ATTACH PARTITION a FOR VALUES IN (9)",
    "ALTER DOMAIN plain ADD CONSTRAINT k NOT NULL NOT VALID",
    f"{U} ADD x int GENERATED ALWAYS AS (b) STORED; {U} ALTER x SET DEFAULT 1",
)
"""What the texts say that PostgreSQL refuses, or do not advise because it does."""
_WORDS = {"lock_timeout", "TimeZone"}
"""Of the texts: settings, and no SQL."""
_STATE = """
SELECT c.oid::regclass::text, c.relfilenode, coalesce(pg_stat_get_xact_tuples_returned(c.oid), 0),
    EXISTS (SELECT FROM pg_locks l WHERE l.relation = c.oid AND l.pid = pg_backend_pid()
        AND l.mode = ANY (%s))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'other') AND c.relkind IN ('r', 'm')
"""
_BLOCKING = ["AccessExclusiveLock", "ExclusiveLock", "ShareRowExclusiveLock", "ShareLock"]
Session = psycopg.Connection[Any]


@pytest.fixture
def session(login: Target) -> Iterator[Session]:
    with connected(login) as session:
        if session.info.server_version < 180000:
            pytest.skip("the texts are about PostgreSQL 18")
        session.execute(ROWS)
        yield session


def state(session: Session) -> dict[str, tuple[Any, ...]]:
    return {name: row for name, *row in session.execute(_STATE, [_BLOCKING])}


def done_by(session: Session, script: str, *, keeps: bool = False) -> tuple[str, list[str]]:
    """What the last statement of a script does, and which tables it reads and blocks at once."""
    *first, statement = script.split("; ")
    session.execute("BEGIN")
    try:
        for one in first:
            session.execute(one.encode())
        before = state(session)
        session.execute(statement.encode())
        after = state(session)
    except psycopg.errors.NotNullViolation:
        return FAILS, []
    finally:
        session.execute("COMMIT" if keeps else "ROLLBACK")
    both = [name for name in after if name in before]
    read = [name for name in both if after[name][1] > before[name][1]]
    has_rewritten = any(after[name][0] != before[name][0] for name in both)
    does = REWRITES if has_rewritten else READS if read else QUICK
    return does, [name for name in read if after[name][2]]


def said_of(script: str, does: str) -> SaferWay:
    sql = script.rpartition("; ")[2]
    is_partitioned = "weeks" in sql  # what is rewritten then are its partitions
    return safer_way(
        sql,
        is_rewritten=does == REWRITES and not is_partitioned,
        is_partitioned=is_partitioned,
    )


def test_what_is_said_of_a_statement_is_what_it_does_to_rows(session: Session) -> None:
    found = {}
    for sql, (_, words) in SAID.items():
        does, _ = done_by(session, sql)
        kind = said_of(sql, does).kind
        found[sql] = (does, words if words in kind else kind)

    assert found == SAID


def test_what_is_done_instead_works_and_blocks_nobody_while_it_reads(session: Session) -> None:
    waiting: dict[str, list[str]] = {}
    for script in INSTEAD.split("---\n"):
        session.execute(ROWS)
        for one in script.strip().split(";\n"):
            sql = one.removesuffix(";")
            if "CONCURRENTLY" in sql or sql.startswith(("VACUUM", "SET")):
                session.execute(sql.encode())
            else:
                does, blocked = done_by(session, sql, keeps=True)
                waiting |= {sql: blocked} if does in (REWRITES, FAILS) or blocked else {}
        invalid = session.execute("SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid")

        assert invalid.fetchall() == []
    assert waiting == {}


def test_what_is_said_to_be_refused_is(session: Session) -> None:
    session.execute("CREATE INDEX by_v ON weeks (v); CREATE UNIQUE INDEX one_week ON one (week, v)")
    for script in REFUSED:
        *first, refused = script.split("; ")
        for one in first:
            session.execute(one.encode())

        with pytest.raises(psycopg.Error) as raised:
            session.execute(refused.encode())
        assert raised.value.sqlstate in {"0A000", "2BP01", "42601", "42809", "55000"}, script


def test_a_reindex_blocks_a_read_that_does_not_use_the_index(
    session: Session, login: Target
) -> None:
    session.execute("BEGIN; REINDEX INDEX by_id")

    with (
        connected(login, options="-c lock_timeout=50ms") as other,
        pytest.raises(psycopg.errors.LockNotAvailable),
    ):
        other.execute("SELECT c FROM users WHERE b = 1")


def test_each_piece_of_sql_in_the_texts_is_run_here() -> None:
    ways = [one for one in vars(safer_ways).values() if isinstance(one, SaferWay)]
    ran = "\n".join([INSTEAD, *SAID])
    pieces = {piece for way in ways for piece in re.findall(r"`([^`]+)`", way.instead)}

    missing = {one for one in pieces - _WORDS if not re.search(_pattern(one), ran)}

    assert ways
    assert missing == set()


def _pattern(piece: str) -> str:
    """Of the statement: three dots are anything, and `name`, `column` and `value` a name."""
    return re.sub(r"\b(name|column|value)\b", r"\\S+", re.escape(piece)).replace(r"\.\.\.", ".+")
