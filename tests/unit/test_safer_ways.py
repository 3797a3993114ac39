"""What is said of a statement that blocks or rewrites a table."""

import pytest

from app.core.safer_ways import safer_way
from app.core.traces import LONGEST_STATEMENT
from pgwire.trace.report import shortened

T = "ALTER TABLE users "


@pytest.mark.parametrize(
    ("sql", "instead"),
    [
        (f"{T}ADD CONSTRAINT a CHECK (b > 0)", "`NOT VALID`"),
        (f"{T}ADD b int CHECK(b > 0)", "`NOT VALID`"),
        ("ALTER DOMAIN mail ADD CONSTRAINT a CHECK (value LIKE '%@%')", "blocks writes as well"),
        (f"{T}ADD CONSTRAINT a FOREIGN KEY (b) REFERENCES c (d)", "`NOT VALID`"),
        ("alter table only users\n  add foreign key (b)\n  references c", "`NOT VALID`"),
        (f"{T}ADD CONSTRAINT a CHECK (b > 0) NOT VALID", "`lock_timeout`"),
        (f"{T}ADD CONSTRAINT a CHECK (b <> 'NOT VALID')", "`VALIDATE CONSTRAINT`"),
        (f"{T}ADD COLUMN b int REFERENCES c", "`lock_timeout`"),
        (f"{T}ADD COLUMN b int DEFAULT 1 REFERENCES c", "a constraint by itself"),
        (f"{T}ADD CHECK (b > 0), ADD CHECK (c > 0) NOT VALID", "a constraint by itself"),
        ('alter table "a" . "b" add c int, add check (d > 0)', "a constraint by itself"),
        (f"{T}ADD b int DEFAULT (1 + 1), DROP c, ALTER d SET NOT NULL", "`CHECK (column IS NOT"),
        (f"{T}ADD COLUMN b int NOT NULL", "a constant default"),
        (f"{T}ADD b numeric(8, 2) DEFAULT 0, ADD c text NOT NULL", "a constant default"),
        (f"{T}ADD b text NOT NULL DEFAULT E'it\\'s, ADD c int NOT NULL'", "`lock_timeout`"),
        (f"{T}ALTER b SET DEFAULT (c IS NOT NULL)", "`lock_timeout`"),
        (f"{T}DROP type, DROP index", "first have nothing that is deployed use it"),
        (f"{T}ALTER type DROP NOT NULL", "`lock_timeout`"),
        (f"{T}ALTER COLUMN type SET NOT NULL", "`CHECK (column IS NOT NULL) NOT VALID`"),
        (f"{T}ALTER COLUMN b SET NOT NULL", "`CHECK (column IS NOT NULL) NOT VALID`"),
        (f"{T}ADD CONSTRAINT a NOT NULL b", "`CHECK (column IS NOT NULL) NOT VALID`"),
        (f"{T}ADD CONSTRAINT a NOT NULL b NOT VALID", "`lock_timeout`"),
        (f"{T}ADD UNIQUE (b)", "UNIQUE USING INDEX"),
        (f"{T}ADD CONSTRAINT a PRIMARY KEY (b)", "UNIQUE USING INDEX"),
        (f"{T}ADD COLUMN b text UNIQUE", "UNIQUE USING INDEX"),
        (f"{T}ADD CONSTRAINT a UNIQUE USING INDEX i", "`lock_timeout`"),
        (f"{T}ADD EXCLUDE USING gist (b WITH &&)", "Plan it"),
        (f"{T}ALTER b TYPE varchar(300)", "expand and contract"),
        (f'{T}ADD "set not null" int', "`lock_timeout`"),
        (f"{T}ADD b int -- SET NOT NULL", "`lock_timeout`"),
        (f"{T}ADD b int DEFAULT 0 /* UNIQUE", "`lock_timeout`"),
        (f"{T}DROP CONSTRAINT a", "`lock_timeout`"),
        (f"{T}ALTER b DROP NOT NULL", "`lock_timeout`"),
        (f"{T}DROP COLUMN b", "Expand and contract"),
        (f"{T}DROP b", "Expand and contract"),
        (f"{T}RENAME b TO c", "Expand and contract"),
        (f"{T}RENAME TO people", "Expand and contract"),
        (f"{T}RENAME CONSTRAINT b TO c", "`lock_timeout`"),
        ("DROP TYPE mail CASCADE", "leave `CASCADE` out"),
        ("CREATE TABLE p PARTITION OF users FOR VALUES IN (1)", "as a table by itself"),
        (f"{T}ATTACH PARTITION p FOR VALUES IN (1)", "`CHECK`"),
        (f"{T}DETACH PARTITION p", "`DETACH PARTITION ... CONCURRENTLY`"),
        ("DROP TABLE users", "Expand and contract"),
        ("TRUNCATE users", "`DELETE` in batches"),
        ("CREATE INDEX i ON users (b)", "`CREATE INDEX CONCURRENTLY`"),
        ("create unique index if not exists i on users (b)", "`CREATE INDEX CONCURRENTLY`"),
        ("DROP INDEX i", "`DROP INDEX CONCURRENTLY`"),
        ("REINDEX TABLE users", "`REINDEX ... CONCURRENTLY`"),
        ("LOCK TABLE users IN SHARE MODE", "weakest mode"),
        ("CREATE TRIGGER t BEFORE INSERT ON users EXECUTE FUNCTION f()", "`lock_timeout`"),
        ("DO $$ BEGIN CREATE INDEX i ON users (b); END $$", "Look at what it calls."),
        ("SELECT make_indexes()", "Look at what it calls."),
        ("", "Look at what it calls."),
    ],
)
def test_each_statement_that_blocks_has_its_safer_way(sql: str, instead: str) -> None:
    assert instead in safer_way(sql, is_rewritten=False).instead


@pytest.mark.parametrize(
    ("sql", "instead"),
    [
        (f"{T}ALTER COLUMN b SET DATA TYPE bigint, ADD UNIQUE (c)", "add a column of the new type"),
        (f"{T}ALTER b TYPE bigint USING b::bigint", "add a column of the new type"),
        (f"{T}ADD b uuid DEFAULT gen_random_uuid()", "fill the old ones in batches"),
        (f"{T}ADD COLUMN b bigserial PRIMARY KEY", "fill the old ones in batches"),
        (f"{T}SET UNLOGGED", "If it can be, leave it out."),
        ("REFRESH MATERIALIZED VIEW users", "`REFRESH MATERIALIZED VIEW CONCURRENTLY`"),
        ("VACUUM (FULL, ANALYZE) users", "Plain `VACUUM`"),
        ("VACUUM FULL users", "Plain `VACUUM`"),
        ("CLUSTER users USING i", "Leave it out of migrations"),
        ("CALL rebuild()", "If it can be, leave it out."),
    ],
)
def test_each_statement_that_rewrites_has_its_safer_way(sql: str, instead: str) -> None:
    assert instead in safer_way(sql, is_rewritten=True).instead


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        (f"{T}ALTER b TYPE bigint", "each partition anew"),
        (f"{T}ADD b uuid DEFAULT gen_random_uuid()", "each partition anew"),
        (f"{T}ADD b bigserial", "each partition anew"),
        (f"{T}ADD b int DEFAULT 0", "only needed for a moment"),
        ("ALTER TABLE ONLY users ADD CONSTRAINT a UNIQUE (b)", "only needed for a moment"),
        ("CREATE INDEX i ON ONLY users (b)", "only needed for a moment"),
        ("CREATE INDEX i ON users (b)", "made while writes wait"),
    ],
)
def test_of_a_partitioned_table_nothing_is_said_to_be_quick_that_may_not_be(
    sql: str, kind: str
) -> None:
    assert kind in safer_way(sql, is_rewritten=False, is_partitioned=True).kind


@pytest.mark.parametrize(
    ("action", "is_rewritten", "kind"),
    [
        ("SET (fillfactor = 50)", False, "too long to be read whole"),
        ("SET (fillfactor = 50)", True, "written anew"),
        ("ADD CHECK (b > 0)", False, "checked at once"),
    ],
)
def test_what_was_cut_off_is_not_said_to_be_quick(
    action: str, is_rewritten: bool, kind: str
) -> None:
    whole = f"{T}{action}{', SET (fillfactor = 50)' * 200}"
    told = shortened(whole, LONGEST_STATEMENT)

    assert kind in safer_way(told, is_rewritten=is_rewritten).kind


@pytest.mark.parametrize("text", ["/*", "'", '"', "$a$", "ALTER TABLE a ADD ", "ADD CHECK ("])
def test_a_hostile_statement_takes_no_time(text: str) -> None:
    assert safer_way(("ALTER TABLE a " + text * 2_000)[:2_000], is_rewritten=False).source
