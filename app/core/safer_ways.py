"""What to do instead of a statement that blocks or rewrites a table. Pure: our own words alone.

What PostgreSQL does is by its documents and was looked up in those of version 18.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

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
    """Of a statement in capitals, without comments, texts and quoted names."""
    way: SaferWay
    is_of_rewrites: bool = False
    """It is meant only where the table was rewritten."""


@lru_cache(maxsize=1_000)
def safer_way(sql: str, *, is_rewritten: bool) -> SaferWay:
    """Say it of one statement: the gravest of what it does to a table counts."""
    words = _words(sql)
    for case in _CASES:
        if (is_rewritten or not case.is_of_rewrites) and case.pattern.search(words):
            return case.way
    return _REWRITE if is_rewritten else _OTHER


# What is not closed ends with the text: so no text is read twice, whoever wrote it.
_NOISE = re.compile(
    r"--[^\n]*|/\*.*?(?:\*/|\Z)|'(?:[^']|'')*(?:'|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)"
    r"|\$(\w*)\$.*?(?:\$\1\$|\Z)",
    re.DOTALL,
)


def _words(sql: str) -> str:
    return " ".join(_NOISE.sub(_without, sql).upper().split())


def _without(noise: re.Match[str]) -> str:
    return {"-": " ", "/": " ", '"': "x"}.get(noise[0][0], "''")


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
    " transaction.",
    _VALIDATE,
    _ALTER + "NOTES",
)
_CHECK = _way(
    "A constraint that is checked at once",
    "All rows are read, under a lock that blocks reads and writes.",
    f"Make it a constraint by itself, not one of a column. {_VALIDATE}",
    _ALTER + "NOTES",
)
_NOT_NULL = _way(
    "A column that becomes `NOT NULL`",
    "All rows are read, under a lock that blocks reads and writes, unless a valid constraint proves"
    " that none is null.",
    "Add `CHECK (column IS NOT NULL) NOT VALID`, in a later transaction `VALIDATE CONSTRAINT`, then"
    " `SET NOT NULL`, which reads nothing any more, and drop the check. From PostgreSQL 18 on `ADD"
    " CONSTRAINT name NOT NULL column NOT VALID` and `VALIDATE CONSTRAINT` do the same.",
    _ALTER + "DESC-SET-DROP-NOT-NULL",
)
_UNIQUE = _way(
    "A unique or primary key whose index is made at once",
    "The index is made under a lock that blocks reads and writes.",
    "Make it first with `CREATE UNIQUE INDEX CONCURRENTLY`, outside a transaction, then `ADD"
    " CONSTRAINT ... UNIQUE USING INDEX` (or `PRIMARY KEY USING INDEX`, once the columns are `NOT"
    " NULL`), which is quick.",
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
_COLUMN = _way(
    "A new column whose value is worked out for each row",
    "A volatile default, an identity, a stored generated column or a domain with constraints makes"
    " PostgreSQL write the whole table anew, under a lock that blocks reads and writes.",
    "Add the column without a default or with a constant one, which is quick; then `SET DEFAULT`"
    " for new rows, and fill the old ones in batches.",
    _ALTER + "NOTES",
)
_ATTACH = _way(
    "A partition that is attached",
    "All its rows are read, and those of the default partition, under a lock on them that blocks"
    " reads and writes.",
    "Give the table a `CHECK` that says what the partition's bounds say, `NOT VALID` and then"
    " `VALIDATE CONSTRAINT`: nothing is read then. Drop it afterwards.",
    _ALTER + "ATTACH-PARTITION",
)
_DETACH = _way(
    "A partition that is detached",
    "Reads and writes of the whole partitioned table are blocked.",
    "`DETACH PARTITION ... CONCURRENTLY`, outside a transaction.",
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
    "It is quick, but takes its lock on tables that its foreign keys lead to as well, until the end"
    " of its transaction; what is deployed may use it still.",
    _CONTRACT,
    "sql-droptable.html",
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
    " it leaves an invalid index: drop that one before the next try. On a partitioned table make it"
    " on each partition so, and on the table itself with `ON ONLY`.",
    "sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
)
_DROP_INDEX = _way(
    "An index that is dropped while all wait",
    "Reads and writes of its table are blocked, first while the statement waits for those that"
    " read it now.",
    "`DROP INDEX CONCURRENTLY`, outside a transaction.",
    "sql-dropindex.html",
)
_REINDEX = _way(
    "Indexes that are made anew while others wait",
    "Writes are blocked for as long as it takes, and reads that would use the index.",
    "`REINDEX ... CONCURRENTLY`, outside a transaction.",
    "sql-reindex.html#SQL-REINDEX-CONCURRENTLY",
)
_REFRESH = _way(
    "A materialized view that is refreshed while reads wait",
    "Nobody reads it until all of it is written anew.",
    "`REFRESH MATERIALIZED VIEW CONCURRENTLY`, which needs a unique index on it.",
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


def _case(pattern: str, way: SaferWay, *, is_of_rewrites: bool = False) -> _Case:
    return _Case(re.compile(pattern), way, is_of_rewrites)


_TABLE = r"^ALTER TABLE\b.*"
_ADD = rf"{_TABLE}\bADD (CONSTRAINT \S+ )?"
_UNCHECKED = r"(?!.*\bNOT (?:VALID|ENFORCED)\b)"
_CASES = (
    _case(r"^VACUUM\b.*\bFULL\b", _VACUUM),
    _case(r"^CLUSTER\b", _CLUSTER),
    _case(r"^LOCK\b", _LOCK),
    _case(r"^CREATE (UNIQUE )?INDEX\b(?! CONCURRENTLY)", _CREATE_INDEX),
    _case(r"^DROP INDEX\b(?! CONCURRENTLY)", _DROP_INDEX),
    _case(r"^REINDEX\b(?!.* CONCURRENTLY)", _REINDEX),
    _case(r"^REFRESH MATERIALIZED VIEW (?!CONCURRENTLY)", _REFRESH),
    _case(r"^TRUNCATE\b", _TRUNCATE),
    _case(r"^DROP (TABLE|MATERIALIZED VIEW)\b", _DROP_TABLE),
    _case(rf"{_TABLE} ATTACH PARTITION\b", _ATTACH),
    _case(rf"{_TABLE} DETACH PARTITION\b(?!.* (CONCURRENTLY|FINALIZE)\b)", _DETACH),
    _case(rf"{_TABLE}\bALTER (COLUMN )?\S+ (SET DATA )?TYPE\b", _TYPE, is_of_rewrites=True),
    _case(rf"{_TABLE} SET (UN)?LOGGED\b", _REWRITE, is_of_rewrites=True),
    _case(rf"{_TABLE} SET (TABLESPACE|ACCESS METHOD)\b", _REWRITE, is_of_rewrites=True),
    _case(rf"{_TABLE}\bADD\b", _COLUMN, is_of_rewrites=True),
    _case(rf"{_TABLE}\b(UNIQUE|PRIMARY KEY)\b(?! USING INDEX)", _UNIQUE),
    _case(rf"{_ADD}EXCLUDE\b", _EXCLUDE),
    _case(rf"{_TABLE}\bSET NOT NULL\b", _NOT_NULL),
    _case(rf"{_ADD}NOT NULL\b{_UNCHECKED}", _NOT_NULL),
    _case(rf"{_ADD}FOREIGN KEY\b{_UNCHECKED}", _FOREIGN_KEY),
    _case(rf"{_TABLE}\bADD\b.*\bCHECK ?\({_UNCHECKED}", _CHECK),
    _case(rf"^ALTER DOMAIN\b.*\bADD\b{_UNCHECKED}", _CHECK),
    _case(rf"{_TABLE}\bALTER (COLUMN )?\S+ (SET DATA )?TYPE\b", _TYPE_KEPT),
    _case(r"^ALTER (TABLE|MATERIALIZED VIEW|VIEW)\b.*\bRENAME\b", _RENAME),
    _case(rf"{_TABLE}\bSET SCHEMA\b", _RENAME),
    _case(
        rf"{_TABLE}\bDROP (?!CONSTRAINT\b|DEFAULT\b|NOT NULL\b|EXPRESSION\b|IDENTITY\b)",
        _DROP_COLUMN,
    ),
    _case(r"^(ALTER|COMMENT|CREATE|DROP|GRANT|REVOKE)\b", _SHORT),
)
