"""What real statements are found to do to production's tables, and that the safer ways do not."""

from app.core.assignments import Policies
from app.core.trace_findings import Judgement, judge
from app.core.traces import Size, Trace
from app.store.tables import read
from tests.integration.trace.conftest import Traced, Tracing

TABLES = """
CREATE TABLE tags (id int PRIMARY KEY);
CREATE TABLE users (a int, b int, mail text);
CREATE UNIQUE INDEX by_b ON users (b);
CREATE MATERIALIZED VIEW counts AS SELECT id FROM tags;
CREATE UNIQUE INDEX by_id ON counts (id);
CREATE TABLE days (day int) PARTITION BY LIST (day);
CREATE TABLE monday PARTITION OF days FOR VALUES IN (1);
CREATE TABLE tuesday (day int);
"""
PRODUCTION = {
    f"public.{name}": Size(rows=10**6, bytes=10**9)
    for name in ("tags", "users", "counts", "days", "monday", "tuesday")
}
READS, WRITES, REWRITE = "reads and writes", "writes", "rewrite"
FOUND = {
    "ALTER TABLE users ADD c int": ("users", READS, "only needed for a moment"),
    "ALTER TABLE users ADD d int DEFAULT 0": ("users", READS, "only needed for a moment"),
    "ALTER TABLE users ADD e uuid DEFAULT gen_random_uuid()": ("users", REWRITE, "worked out"),
    "ALTER TABLE users ADD f int GENERATED ALWAYS AS (b) STORED": ("users", REWRITE, "worked out"),
    "ALTER TABLE users ALTER a TYPE bigint": ("users", REWRITE, "another type"),
    "ALTER TABLE users ALTER mail TYPE varchar": ("users", READS, "without a rewrite"),
    "ALTER TABLE users ALTER c SET NOT NULL": ("users", READS, "becomes `NOT NULL`"),
    "ALTER TABLE users ADD CHECK (d >= 0)": ("users", READS, "constraint that is checked at once"),
    "ALTER TABLE users ADD FOREIGN KEY (b) REFERENCES tags": ("tags users", WRITES, "foreign key"),
    "ALTER TABLE users ADD UNIQUE (d)": ("users", READS, "unique or primary key"),
    "ALTER TABLE users RENAME d TO g": ("users", READS, "another name"),
    "ALTER TABLE users DROP g": ("users", READS, "column that goes"),
    "ALTER TABLE users SET UNLOGGED": ("users", REWRITE, "written anew"),
    "CREATE INDEX by_a ON users (a)": ("users", WRITES, "made while writes wait"),
    "REINDEX TABLE users": ("users", READS, "made anew while others wait"),
    "DROP INDEX by_a": ("users", READS, "dropped while all wait"),
    "REFRESH MATERIALIZED VIEW counts": ("counts", REWRITE, "refreshed while reads wait"),
    "CLUSTER users USING by_b": ("users", REWRITE, "sorted anew"),
    "VACUUM FULL users": ("users", REWRITE, "compacted"),
    "TRUNCATE users": ("users", READS, "emptied"),
    "LOCK TABLE tags IN SHARE MODE": ("tags", WRITES, "asked for"),
    "ALTER TABLE days ATTACH PARTITION tuesday FOR VALUES IN (2)": ("tuesday", READS, "attached"),
    "ALTER TABLE days DETACH PARTITION tuesday": ("days tuesday", READS, "detached"),
    "DO $$ BEGIN CREATE INDEX by_z ON users (a); END $$": ("users", WRITES, "inside of something"),
    "DROP TABLE tuesday": ("tuesday", READS, "table that goes"),
}
PREPARED = """
ALTER TABLE users ADD CONSTRAINT positive CHECK (b > 0) NOT VALID;
ALTER TABLE users ADD CONSTRAINT of_tag FOREIGN KEY (b) REFERENCES tags NOT VALID;
"""
SAFER = (
    "ALTER TABLE users VALIDATE CONSTRAINT positive",
    "ALTER TABLE users VALIDATE CONSTRAINT of_tag",
    "CREATE UNIQUE INDEX CONCURRENTLY by_a ON users (a)",
    "REINDEX TABLE CONCURRENTLY users",
    "DROP INDEX CONCURRENTLY by_b",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY counts",
    "VACUUM users",
)


def run(trace: Traced, *statements: str) -> Judgement:
    with trace.proxied() as connection:
        for one in statements:
            script = f"BEGIN; {one}; COMMIT" if one.startswith("LOCK") else one
            connection.execute(script.encode())
    return judge(read(Trace, trace.report().limited()), PRODUCTION, Policies())


def test_each_statement_is_found_with_what_is_done_instead(traced: Tracing) -> None:
    with traced(TABLES) as trace:
        judged = run(trace, *FOUND)

    found = {}
    for sql in FOUND:
        of_it = [one for one in judged.findings if one.statement.sql == sql]
        tables = " ".join(sorted({one.table.removeprefix("public.") for one in of_it}))
        [does] = {REWRITE if one.is_rewritten else str(one.blocks) for one in of_it}
        [kind] = {one.way.kind for one in of_it}
        words = FOUND[sql][2]
        found[sql] = (tables, does, words if words in kind else kind)
    assert found == FOUND


def test_what_is_done_instead_is_not_found(traced: Tracing) -> None:
    with traced(TABLES + PREPARED) as trace:
        judged = run(trace, *SAFER)

    assert [one.statement.sql for one in judged.findings] == []
