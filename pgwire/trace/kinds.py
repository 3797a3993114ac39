"""What a statement is, by its text: whether a look behind it is safe, and which locks it tells.

Pure. What is not known here gets a look, which tells all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pgwire.trace.relations import unquoted
from pgwire.trace.split import Part, Script, Unbalanced, split

ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
_GENTLE_MODE = "SHARE UPDATE EXCLUSIVE"

# fmt: off
_CONTROL = frozenset([
    "ABORT", "BEGIN", "CLOSE", "COMMIT", "DEALLOCATE", "DISCARD", "END", "LISTEN", "NOTIFY",
    "PREPARE", "RELEASE", "RESET", "ROLLBACK", "SAVEPOINT", "SET", "SHOW", "START", "UNLISTEN",
])
# They need no snapshot, and a look would take the one that its transaction keeps: LOCK TABLE comes
# before it for a reason, and SET TRANSACTION must. The others of them take no locks worth a look.
# https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/tcop/pquery.c,
# PlannedStmtRequiresSnapshot.
_QUIET = _CONTROL.union([
    "ANALYSE", "ANALYZE", "CHECKPOINT", "COPY", "DECLARE", "FETCH", "LOAD", "LOCK", "MOVE",
    "VACUUM",
])
# fmt: on
# They commit at once: what comes behind in their flight would find one begun by a look.
_ALONE = re.compile(
    r"(CREATE|DROP) (DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER (DATABASE|SUBSCRIPTION|SYSTEM)\b"
    r"|(CREATE|CREATE UNIQUE|DROP) INDEX CONCURRENTLY\b|ALTER TYPE\b.* ADD VALUE\b"
    r"|REINDEX\b.* (CONCURRENTLY|SCHEMA|DATABASE|SYSTEM)\b|CLUSTER( VERBOSE)?$"
    r"|ALTER TABLE\b.* DETACH PARTITION\b.* CONCURRENTLY\b"
)
_DATA = frozenset(["INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "VALUES", "TABLE", "WITH"])
_STREAMING = frozenset(["SELECT", "TABLE", "VALUES"])
_CHANGING = re.compile(rb"\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_HIDING = frozenset(["CALL", "CLUSTER", "DO", "REINDEX", "VACUUM"])
_ENDING = frozenset(["ABORT", "COMMIT", "END", "ROLLBACK"])
_OF_SAVEPOINTS = frozenset(["RELEASE", "ROLLBACK", "SAVEPOINT"])

_NAME = r'(?:[\w$]+|"(?:[^"]|"")+")'
_RELATION = rf"({_NAME}(?:\s*\.\s*{_NAME})?)"
_SKIP = r"(?:\s|--[^\n]*\n|/\*.*?\*/)"
_S, _O = rf"{_SKIP}+", rf"{_SKIP}*"
_LOCK = re.compile(
    rf"{_O}LOCK{_S}(?:TABLE{_S})?(.*?)(?:IN{_S}([\w\s]+?){_S}MODE)?{_O}(?:NOWAIT)?{_O};?{_O}\Z",
    re.IGNORECASE | re.DOTALL,
)
_NAMES = re.compile(rf"(?:ONLY{_S})?{_RELATION}", re.IGNORECASE)
_COPY = re.compile(rf"{_O}COPY{_S}{_RELATION}[^;]*?\bFROM\b", re.IGNORECASE | re.DOTALL)
_VACUUM = re.compile(
    rf"{_O}(?:VACUUM|ANALY[SZ]E)(?:{_O}\((?P<options>[^)]*)\){_O}|{_S})"
    rf"(?P<old>(?:(?:FULL|FREEZE|VERBOSE|ANALY[SZ]E){_S})*){_RELATION}",
    re.IGNORECASE | re.DOTALL,
)
_CONCURRENTLY = (
    rf"CREATE{_S}(?:UNIQUE{_S})?INDEX{_S}CONCURRENTLY{_S}.*?\bON{_S}(?:ONLY{_S})?",
    rf"DROP{_S}INDEX{_S}CONCURRENTLY{_S}(?:IF{_S}EXISTS{_S})?",
    rf"REINDEX\b.*?\b(?:TABLE|INDEX){_S}CONCURRENTLY{_S}",
    rf"ALTER{_S}TABLE{_S}(?:IF{_S}EXISTS{_S})?(?:ONLY{_S})?(?=.*\bDETACH\b)",
)
_SAVEPOINT = re.compile(
    rf"{_O}(?:SAVEPOINT|RELEASE|ROLLBACK(?:{_S}(?:WORK|TRANSACTION))?{_S}TO)"
    rf"(?:{_S}SAVEPOINT(?![\w$]))?{_O}({_NAME})",
    re.IGNORECASE | re.DOTALL,
)
_GENTLE = [re.compile(rf"{_O}{each}{_RELATION}", re.I | re.S) for each in _CONCURRENTLY]


@dataclass(frozen=True)
class Kind:
    """What a statement's text tells."""

    head: str = "?"
    gets_look: bool = True
    is_data: bool = False
    """It reads or writes rows: the same text takes the same locks again."""
    streams_rows: bool = False
    """Its rows go out as they are found; else none does before all of it is done."""
    is_control: bool = False
    """It is about sessions and transactions, and no news unless it fails."""
    ends_transaction: bool = False
    hides_locks: bool = False
    """Locks may come and go inside it, and a look behind it comes too late."""
    told: tuple[tuple[str, str], ...] = ()
    """Relations as they are written, and the mode of the lock that its text tells."""
    tells_rewrite: bool = False
    """Its text tells that they are rewritten."""
    savepoint: str = ""
    """Which one it makes, releases or rolls back to, as PostgreSQL names it."""


UNKNOWN = Kind()
WHOLE = Kind(gets_look=False, hides_locks=True)
"""A Query that is sent as it came, because nobody is sure of its statements."""
EMPTY = Kind(head="", gets_look=False, is_control=True)
"""No look: it begins no transaction, and what comes behind it in its flight may want to end one."""
_CACHED_BYTES = 4_000


def script_of(text: bytes) -> Script | None:
    """Split a text; None where that is not sure."""
    try:
        return split(text)
    except Unbalanced:
        return None


def kind_of(text: bytes, part: Part) -> Kind:
    """Tell what a part of a text is."""
    words = part.words
    if not words:
        return UNKNOWN
    head = words[0]
    is_alone = _ALONE.match(" ".join(words)) is not None
    gets_look = head not in _QUIET and not is_alone
    own = text[part.start : part.end]
    told = () if gets_look else _told(own.decode("utf-8", "replace"))
    named = _SAVEPOINT.match(own.decode("utf-8", "replace")) if head in _OF_SAVEPOINTS else None
    return Kind(
        head=head,
        gets_look=gets_look,
        is_data=head in _DATA,
        streams_rows=head in _STREAMING or (head == "WITH" and not _CHANGING.search(own)),
        is_control=head in _CONTROL,
        ends_transaction=_ends_transaction(words),
        hides_locks=head in _HIDING or (is_alone and "CONCURRENTLY" in words),
        told=told,
        tells_rewrite=head == "VACUUM" and any(mode == ACCESS_EXCLUSIVE for _, mode in told),
        savepoint=unquoted(named[1]) if named else "",
    )


def _ends_transaction(words: tuple[str, ...]) -> bool:
    is_partial = "TO" in words[1:4] or words[1:2] == ("PREPARED",)
    return (words[0] in _ENDING and not is_partial) or words[:2] == ("PREPARE", "TRANSACTION")


def kind_of_statement(text: bytes) -> Kind:
    """Tell what a text of one statement is."""
    return _cached(text) if len(text) <= _CACHED_BYTES else _kind_of_statement(text)


def _kind_of_statement(text: bytes) -> Kind:
    script = script_of(text)
    if script is None:
        return UNKNOWN
    return kind_of(text, script.parts[0]) if script.parts else EMPTY


_cached = lru_cache(maxsize=1_000)(_kind_of_statement)


def _told(text: str) -> tuple[tuple[str, str], ...]:
    if found := _LOCK.match(text):
        mode = " ".join((found[2] or ACCESS_EXCLUSIVE).upper().split())
        return tuple((name, mode) for name in _NAMES.findall(found[1]))
    if found := _COPY.match(text):
        return ((found[1], "ROW EXCLUSIVE"),)
    if found := _VACUUM.match(text):
        options = re.split(r"\W+", f"{found['options']} {found['old']}".upper())
        return ((found[3], ACCESS_EXCLUSIVE if "FULL" in options else _GENTLE_MODE),)
    found = next((found for each in _GENTLE if (found := each.match(text))), None)
    return ((found[1], _GENTLE_MODE),) if found else ()
