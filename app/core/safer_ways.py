"""What to do instead of a statement that blocks or rewrites a table. Pure: our own words alone.

What PostgreSQL does is by its documents and was looked up in those of version 18.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from app.core.sql_actions import actions

_DOCS = "https://www.postgresql.org/docs/current/"
_ALTER = "sql-altertable.html#SQL-ALTERTABLE-"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaferWay:
    """An explanation of what a statement does to a table, and what is usually done instead."""

    kind: str
    """Of the statement; it names nothing of a database."""
    why: str
    """Markdown, as `instead` is."""
    instead: str
    source: str
    """The page of PostgreSQL's documents that says so."""


@dataclass(frozen=True, slots=True)
class _Case:
    pattern: re.Pattern[str]
    """Of a line of `actions`."""
    way: SaferWay
    needs: frozenset[str] = frozenset()
    """Of what is known besides: `rewritten`, `partitioned`, `only`, `cut`."""


@lru_cache(maxsize=1_000)
def safer_way(sql: str, *, is_rewritten: bool, is_partitioned: bool = False) -> SaferWay:
    """Say it of one statement: the gravest of what it does to a table counts.

    Args:
        is_partitioned: The table is partitioned. What was done to its partitions, the database in
            which the statement ran may not have shown: it need not have those of production.
    """
    lines, is_only = actions(sql)
    known = {
        "rewritten": is_rewritten,
        "partitioned": is_partitioned,
        "only": is_only,
        "cut": sql.endswith("..."),
    }
    facts = {name for name, holds in known.items() if holds}
    for case in _CASES:
        if case.needs <= facts and case.pattern.search(lines):
            return case.way
    return _OTHER


def _way(kind: str, why: str, instead: str, page: str) -> SaferWay:
    return SaferWay(kind=kind, why=why, instead=instead, source=_DOCS + page)


_OWN = (
    "Give it a transaction of its own, and a `lock_timeout` of a few seconds with retries: while it"
    " waits for its lock, everybody who comes later waits behind it."
)
_SHORT = _way(
    "A lock that is only needed for a moment",
    "The statement itself is quick on a table of any size. But nobody gets past its lock until its"
    " transaction ends, nor past the statement while it waits for others.",
    _OWN,
    "runtime-config-client.html#GUC-LOCK-TIMEOUT",
)
_OTHER = _way(
    "A lock that is taken inside of something else",
    "The statement does not say what it does to the table, nor how long that takes with"
    " production's rows.",
    f"Look at what it calls. {_OWN}",
    "explicit-locking.html#LOCKING-TABLES",
)
_CUT = _way(
    "A statement that is too long to be read whole",
    "Only its first 2,000 characters are kept. They say nothing of what takes long, but the rest of"
    " it may.",
    f"Look at the rest. {_OWN}",
    "explicit-locking.html#LOCKING-TABLES",
)
_REWRITE = _way(
    "A table that is written anew",
    "PostgreSQL writes a new file of the whole table and makes its indexes anew, under a lock that"
    " blocks reads and writes; both files need room meanwhile.",
    "If it can be, leave it out. Otherwise plan it for a time when the table is not needed.",
    _ALTER + "NOTES",
)
_VALIDATE = (
    "Add it `NOT VALID`, which is quick and holds for new rows, and in a later transaction"
    " `VALIDATE CONSTRAINT`, which reads all rows while others read and write."
)
_FOREIGN_KEY = _way(
    "A foreign key that is checked at once",
    "All rows are looked up in the other table, and writes to both are blocked until the end of the"
    " transaction; reads of its own as well, where its column is new.",
    f"Make it a constraint by itself, not one of a column. {_VALIDATE} Before PostgreSQL 18 a"
    " partitioned table refuses that: do it with each partition, and then `ADD CONSTRAINT ..."
    " FOREIGN KEY` to the table itself, which reads nothing any more.",
    _ALTER + "NOTES",
)
_CHECK = _way(
    "A constraint that is checked at once",
    "All rows are read, under a lock that blocks reads and writes.",
    f"Make it a constraint by itself, not one of a column. {_VALIDATE}",
    _ALTER + "NOTES",
)
_VALIDATED = _way(
    "A constraint that is validated along with something else",
    "`VALIDATE CONSTRAINT` reads all rows, here under the lock of what else the statement does.",
    "Give `VALIDATE CONSTRAINT` a statement and a transaction of its own: others read and write"
    " meanwhile.",
    _ALTER + "DESC-VALIDATE-CONSTRAINT",
)
_DOMAIN = _way(
    "A domain's constraint that is checked at once",
    "All rows of all tables that have a column of this domain are read, and writes to them are"
    " blocked until the end of the transaction.",
    "`ALTER DOMAIN ... ADD CONSTRAINT ... CHECK ... NOT VALID` is quick and holds for new values"
    " (with `value IS NOT NULL` instead of `NOT NULL`). Its `VALIDATE CONSTRAINT` blocks writes as"
    " well: leave it out, or plan it for a time when they can wait.",
    "sql-alterdomain.html",
)
_PROVEN = (
    "Add `CHECK (column IS NOT NULL) NOT VALID`, in a later transaction `VALIDATE CONSTRAINT`, then"
    " `SET NOT NULL`, which reads nothing any more, and drop the check. From PostgreSQL 18 on `ADD"
    " CONSTRAINT name NOT NULL column NOT VALID` and `VALIDATE CONSTRAINT` do the same."
)
_NOT_NULL = _way(
    "A column that becomes `NOT NULL`",
    "All rows are read, under a lock that blocks reads and writes, unless a valid constraint proves"
    " that none is null.",
    _PROVEN,
    _ALTER + "DESC-SET-DROP-NOT-NULL",
)
_NEVER_NULL = _way(
    "A new column that is `NOT NULL` without a default",
    "It fails as soon as the table has a row, because the column is null there (unless its type is"
    " a domain with a default of its own).",
    "Give it a constant default, which is quick on a table of any size. Where each row needs a"
    " value of its own, as in a key, add it without `NOT NULL`, and fill it in batches. Then: "
    + _PROVEN,
    "ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN",
)
_UNIQUE = _way(
    "A unique or primary key whose index is made at once",
    "The index is made under a lock that blocks reads and writes.",
    "Add a new column without it. `CREATE UNIQUE INDEX CONCURRENTLY`, outside a transaction, then"
    " `ADD CONSTRAINT ... UNIQUE USING INDEX` (or `PRIMARY KEY USING INDEX`, once the columns are"
    " `NOT NULL`), which is quick. Partitioned tables refuse that: there `ALTER TABLE ONLY ... ADD"
    " CONSTRAINT ... UNIQUE`, do it with each partition, and `ALTER INDEX ... ATTACH PARTITION`.",
    _ALTER + "DESC-ADD-TABLE-CONSTRAINT-USING-INDEX",
)
_EXCLUDE = _way(
    "An exclusion constraint",
    "Its index is made, and all rows are checked, under a lock that blocks reads and writes. There"
    " is no way to do that beside others.",
    "Plan it for a time when the table is not needed, or make it while the table is small.",
    _ALTER + "DESC-ADD-TABLE-CONSTRAINT",
)
_TYPE = _way(
    "A column of another type",
    "PostgreSQL writes the whole table and its indexes anew, under a lock that blocks reads and"
    " writes.",
    "Expand and contract: add a column of the new type, have the application (or a trigger) write"
    " both, fill it in batches, have the application read it, and drop the old one later.",
    _ALTER + "DESC-SET-DATA-TYPE",
)
_TYPE_KEPT = _way(
    "A column of another type, without a rewrite",
    "This change needed no rewrite, but it can make indexes anew and check constraints, under a"
    " lock that blocks reads and writes.",
    f"{_OWN} Where the column has a large index or a constraint, expand and contract with a new"
    " column instead.",
    _ALTER + "NOTES",
)
_ZONED = _way(
    "A column that gets or loses its time zone",
    "Between `timestamp` and `timestamptz` nothing is rewritten while the session's `TimeZone` is"
    " UTC. With another one, or from another type, PostgreSQL writes the whole table and its"
    " indexes anew, under a lock that blocks reads and writes.",
    "Where the values mean UTC, `SET timezone = 'UTC'` before it, in the migration itself: another"
    " session may have another setting. Otherwise expand and contract with a new column.",
    _ALTER + "NOTES",
)
_OF_PARTITIONS = _way(
    "A change that may write each partition anew",
    "Whether it does is told of partitions alone, and the database that was traced need not have"
    " had those of production. All partitions are locked with the table, reads and writes.",
    "Try it with a partition that has rows. If that one is rewritten, expand and contract: add a"
    " plain column, have the application (or a trigger) write both, and fill it in batches.",
    _ALTER + "NOTES",
)
_COLUMN = _way(
    "A new column whose value is worked out for each row",
    "A volatile default, an identity, a serial, a stored generated column or a domain with"
    " constraints makes PostgreSQL write the whole table anew, under a lock that blocks reads and"
    " writes.",
    "Add a plain column (of a domain its base type) without a default or with a constant one, which"
    " is quick; then `SET DEFAULT` for new rows, or a trigger that works their values out, and fill"
    " the old ones in batches. From PostgreSQL 18 on `GENERATED ALWAYS AS (...) VIRTUAL` is quick."
    " An identity comes last, once the column is filled and `NOT NULL`: `ADD GENERATED BY DEFAULT"
    " AS IDENTITY (START ...)`.",
    _ALTER + "NOTES",
)
_DEFAULT_PARTITION = (
    "The rows of a default partition are not read where a `CHECK` of it excludes those of the new"
    " one, added `NOT VALID` and validated by `VALIDATE CONSTRAINT`: they are refused meanwhile."
)
_NEW_PARTITION = _way(
    "A new partition",
    "Reads and writes of the whole partitioned table are blocked, and all rows of its default"
    " partition are read meanwhile.",
    "Make it as a table by itself, `CREATE TABLE ... (LIKE ... INCLUDING ALL EXCLUDING IDENTITY)`,"
    " and `ATTACH PARTITION`, which lets others read and write the partitioned table. "
    + _DEFAULT_PARTITION,
    "ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE",
)
_ATTACH = _way(
    "A partition that is attached",
    "All its rows are read, and those of the default partition, under a lock on them that blocks"
    " reads and writes.",
    "Give the table a `CHECK` that says what the partition's bounds say, and that the key `IS NOT"
    " NULL`; add it `NOT VALID` and then `VALIDATE CONSTRAINT`: its rows are not read any more."
    f" {_DEFAULT_PARTITION} Drop both checks afterwards.",
    _ALTER + "ATTACH-PARTITION",
)
_DETACH = _way(
    "A partition that is detached",
    "Reads and writes of the whole partitioned table are blocked, and of tables whose foreign keys"
    " lead to it. The rows of these are read meanwhile; without them it is quick.",
    "`DETACH PARTITION ... CONCURRENTLY`, outside a transaction. Where there is a default partition"
    f" that is refused: {_OWN[0].lower()}{_OWN[1:]}",
    _ALTER + "DETACH-PARTITION",
)
_CONTRACT = (
    "Expand and contract: first have nothing that is deployed use it any more, then remove it in a"
    f" later deployment. {_OWN}"
)
_DROP_COLUMN = _way(
    "A column that goes",
    "It is quick, but reads and writes are blocked until the end of its transaction, and what is"
    " deployed may use the column still.",
    _CONTRACT,
    _ALTER + "DESC-DROP-COLUMN",
)
_RENAME = _way(
    "Something that gets another name",
    "It is quick, but reads and writes are blocked until the end of its transaction, and what is"
    " deployed knows the old name alone.",
    "Expand and contract: add the new one beside the old (a column that is written too, or a view"
    " of the old name), move what is deployed, and drop the old one later. " + _OWN,
    _ALTER + "DESC-RENAME",
)
_DROP_TABLE = _way(
    "A table that goes",
    "It is quick, but locks the tables that its foreign keys lead to as well, and with a partition"
    " the partitioned table, until the end of its transaction; what is deployed may use it still.",
    f"{_CONTRACT} Detach a partition first, by `DETACH PARTITION ... CONCURRENTLY`.",
    "sql-droptable.html",
)
_CASCADE = _way(
    "Something that goes with all that depends on it",
    "Tables and columns that depend on it go too, with what is in them. It is quick, but reads and"
    " writes of their tables are blocked until the end of its transaction.",
    f"Name in the migration what goes, and leave `CASCADE` out. {_CONTRACT}",
    "ddl-depend.html",
)
_TRUNCATE = _way(
    "A table that is emptied",
    "It is quick, but reads and writes are blocked until the end of its transaction, and who reads"
    " with an older snapshot finds the table empty.",
    f"Where others use the table, `DELETE` in batches. Otherwise: {_OWN[0].lower()}{_OWN[1:]}",
    "sql-truncate.html",
)
_CREATE_INDEX = _way(
    "An index that is made while writes wait",
    "Writes are blocked for as long as it takes to read the whole table.",
    "`CREATE INDEX CONCURRENTLY`, outside a transaction and without a `lock_timeout`. If it fails,"
    " it leaves an invalid index: drop that one before the next try. A partitioned table refuses"
    " it: there `CREATE INDEX ... ON ONLY`, which is quick, then make one so on each partition and"
    " `ALTER INDEX ... ATTACH PARTITION`. Without all of these the table's own stays invalid.",
    "sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
)
_DROP_INDEX = _way(
    "An index that is dropped while all wait",
    "Reads and writes of its table are blocked, first while the statement waits for those that"
    " read it now.",
    "`DROP INDEX CONCURRENTLY`, outside a transaction. It is refused for the index of a partitioned"
    f" table: {_OWN[0].lower()}{_OWN[1:]} That of a constraint goes with its `DROP CONSTRAINT`.",
    "sql-dropindex.html",
)
_REINDEX = _way(
    "Indexes that are made anew while others wait",
    "Writes are blocked for as long as it takes, and nearly all reads: whoever plans a query waits"
    " for the locks on all indexes of its tables, whether it uses them or not.",
    "`REINDEX ... CONCURRENTLY`, outside a transaction. If it fails, it leaves an invalid index:"
    " drop that one before the next try. It is refused for exclusion constraints.",
    "sql-reindex.html#SQL-REINDEX-CONCURRENTLY",
)
_REFRESH = _way(
    "A materialized view that is refreshed while reads wait",
    "Nobody reads it until all of it is written anew.",
    "`REFRESH MATERIALIZED VIEW CONCURRENTLY`, which needs a unique index on columns of it, of all"
    " rows, and that it was filled once.",
    "sql-refreshmaterializedview.html",
)
_VACUUM = _way(
    "A table that is compacted",
    "`VACUUM FULL` writes the whole table anew, and nobody reads or writes it meanwhile.",
    "Plain `VACUUM` needs no such lock, and is enough for most. Where the room must be given back,"
    " extensions such as pg_repack do it beside others. Neither is a migration's task.",
    "sql-vacuum.html",
)
_CLUSTER = _way(
    "A table that is sorted anew",
    "`CLUSTER` writes the whole table anew, and nobody reads or writes it meanwhile.",
    "Leave it out of migrations; extensions such as pg_repack do it beside others.",
    "sql-cluster.html",
)
_LOCK = _way(
    "A lock that is asked for",
    "`LOCK TABLE` holds until the end of the transaction, whatever follows in it.",
    "Leave it out, or name the weakest mode that will do. Keep its transaction short, with a"
    " `lock_timeout` of a few seconds and retries.",
    "sql-lock.html",
)


def _case(pattern: str, way: SaferWay, *needs: str) -> _Case:
    return _Case(re.compile(pattern, re.MULTILINE), way, frozenset(needs))


_TABLE = r"^ALTER TABLE "
_COLUMN_ADDED = (
    rf"{_TABLE}ADD (?:COLUMN )?+(?!(?:CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE|NOT)\b)"
)
_CONSTRAINT_ADDED = rf"{_TABLE}ADD (?:CONSTRAINT \S+ )?"
_TYPE_CHANGED = rf"{_TABLE}ALTER (?:COLUMN )?+\S+ (?:SET DATA )?TYPE "
_UNCHECKED = r"(?!.*\bNOT (?:VALID|ENFORCED)\b)"
_DEFAULT = r"(?<!\bSET )\bDEFAULT\b"
_GIVEN = rf"(?:{_DEFAULT}(?! NULL\b)|\bGENERATED\b|\b(?:SMALL|BIG)?SERIAL[248]?\b)"
_CALLED = r"DEFAULT (?:(?!CHECK\b|REFERENCES\b)\S+ )*\(\)"
_CASES = (
    _case(rf"{_COLUMN_ADDED}(?=.*\b(?:NOT NULL|PRIMARY KEY)\b)(?!.*{_GIVEN})", _NEVER_NULL),
    _case(r"^VACUUM\b.*\bFULL\b", _VACUUM),
    _case(r"^CLUSTER\b", _CLUSTER),
    _case(r"^LOCK\b", _LOCK),
    _case(r"^CREATE (UNIQUE )?INDEX\b", _SHORT, "only", "partitioned"),
    _case(r"^CREATE (UNIQUE )?INDEX\b(?! CONCURRENTLY)", _CREATE_INDEX),
    _case(r"^DROP INDEX\b(?! CONCURRENTLY)", _DROP_INDEX),
    _case(r"^REINDEX\b(?!.*\bCONCURRENTLY)", _REINDEX),
    _case(r"^REFRESH MATERIALIZED VIEW (?!CONCURRENTLY)", _REFRESH),
    _case(r"^TRUNCATE\b", _TRUNCATE),
    _case(r"^DROP (TABLE|MATERIALIZED VIEW)\b", _DROP_TABLE),
    _case(r"^DROP\b.*\bCASCADE$", _CASCADE),
    _case(r"^CREATE (UNLOGGED )?TABLE\b[^(]* PARTITION OF\b", _NEW_PARTITION),
    _case(rf"{_TABLE}ATTACH PARTITION\b", _ATTACH),
    _case(rf"{_TABLE}DETACH PARTITION\b(?!.* (CONCURRENTLY|FINALIZE)\b)", _DETACH),
    _case(rf"{_TYPE_CHANGED}(?!TIMESTAMP)", _TYPE, "rewritten"),
    _case(rf"{_TABLE}SET (LOGGED|UNLOGGED|TABLESPACE|ACCESS METHOD)\b", _REWRITE, "rewritten"),
    _case(_COLUMN_ADDED, _COLUMN, "rewritten"),
    _case(rf"{_TYPE_CHANGED}TIMESTAMP", _ZONED),
    _case(r"", _REWRITE, "rewritten"),
    _case(_TYPE_CHANGED, _OF_PARTITIONS, "partitioned"),
    _case(
        rf"{_COLUMN_ADDED}.*\b(?:{_CALLED}|(STORED|IDENTITY|(SMALL|BIG)?SERIAL[248]?)\b)",
        _OF_PARTITIONS,
        "partitioned",
    ),
    _case(rf"{_CONSTRAINT_ADDED}(UNIQUE|PRIMARY KEY)\b", _SHORT, "only", "partitioned"),
    _case(rf"{_TABLE}ADD\b.*\b(UNIQUE|PRIMARY KEY)\b(?! USING INDEX)", _UNIQUE),
    _case(rf"{_CONSTRAINT_ADDED}EXCLUDE\b", _EXCLUDE),
    _case(rf"{_TABLE}ALTER\b.* SET NOT NULL$", _NOT_NULL),
    _case(rf"{_COLUMN_ADDED}(?=.*\bGENERATED\b).*\bNOT NULL\b", _NOT_NULL),
    _case(rf"{_CONSTRAINT_ADDED}NOT NULL\b{_UNCHECKED}", _NOT_NULL),
    _case(rf"{_CONSTRAINT_ADDED}PRIMARY KEY USING INDEX\b", _NOT_NULL),
    _case(rf"{_CONSTRAINT_ADDED}FOREIGN KEY\b{_UNCHECKED}", _FOREIGN_KEY),
    _case(rf"{_COLUMN_ADDED}{_UNCHECKED}(?=.*\bREFERENCES\b).*{_DEFAULT}", _FOREIGN_KEY),
    _case(rf"{_TABLE}ALTER CONSTRAINT\b.*(?<!\bNOT )\bENFORCED\b", _FOREIGN_KEY),
    _case(rf"{_TABLE}ADD\b.*\bCHECK \(\)(?! (NO INHERIT )?NOT (VALID|ENFORCED)\b)", _CHECK),
    _case(rf"{_TABLE}VALIDATE CONSTRAINT\b", _VALIDATED),
    _case(r"^ALTER DOMAIN\b.* ((SET NOT NULL|VALIDATE)\b|ADD\b(?!.* NOT VALID$))", _DOMAIN),
    _case(r"", _CUT, "cut"),
    _case(_TYPE_CHANGED, _TYPE_KEPT),
    _case(rf"{_TABLE}(RENAME (?!CONSTRAINT\b)|SET SCHEMA\b)", _RENAME),
    _case(r"^ALTER (MATERIALIZED VIEW|VIEW)\b.*\bRENAME\b", _RENAME),
    _case(rf"{_TABLE}DROP (?!CONSTRAINT\b)", _DROP_COLUMN),
    _case(r"^(ALTER|COMMENT|CREATE|DROP|GRANT|REVOKE)\b", _SHORT),
)
