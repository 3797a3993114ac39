"""What a statement is, by its text: whether a look behind it is safe, and which locks it tells.

Pure. What is not known here gets a look, which tells all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from pgwire.trace.relations import qualified, unquoted
from pgwire.trace.split import Part, Script, Unbalanced, split, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgwire.trace.relations import Relation, Relations

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
_CHANGES = frozenset(["INSERT", "UPDATE", "DELETE", "MERGE"])
_STREAMING = frozenset(["SELECT", "TABLE", "VALUES"])
_CHANGING = re.compile(rb"\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
# Of PostgreSQL's own, by its prefix; what tools ask for first; and words before a parenthesis.
_KNOWN_CALLS = (
    r"pg_\w+|pg_catalog\.\w+|array_agg|coalesce|col_description|count|current_database"
    r"|current_schemas?|current_setting|exists|format|format_type|has_\w+_privilege|hashtext|json_agg"
    r"|lower|max|min|now|obj_description|quote_ident|set_config|string_agg|to_regclass|unnest|upper"
    r"|version|all|and|any|array|as|by|case|else|from|in|join|not|on|or|select|then|using|values|when|where"
)
_UNKNOWN_CALL = re.compile(
    rf"\binto\b|(?<![\w.])(?!(?:{_KNOWN_CALLS})\s*\()[\w.]+\s*\(|\"\s*\(".encode(), re.IGNORECASE
)
_HIDING = frozenset(["CALL", "CLUSTER", "DO", "REINDEX", "VACUUM"])
_ENDING = frozenset(["ABORT", "COMMIT", "END", "ROLLBACK"])
_OF_SAVEPOINTS = frozenset(["RELEASE", "ROLLBACK", "SAVEPOINT"])

_NO = ("0", "FALSE", "OFF")
_OLD_OPTIONS = ("FULL", "FREEZE", "VERBOSE", "ANALYSE", "ANALYZE")
_MOST_PIECES = 2_000
# Of what does its work beside others, and of ALTER TABLE ... DETACH PARTITION CONCURRENTLY.
_BEFORE_NAME = {"CREATE": ("ON",), "DROP": ("CONCURRENTLY",), "ALTER": ("TABLE",)}
_REINDEXED = ("DATABASE", "INDEX", "SCHEMA", "SYSTEM", "TABLE")
_SPREADING = ("CLUSTER", "REINDEX")
"""Of one that is partitioned they take each partition in a transaction of its own."""
ALL = "*"


@dataclass(frozen=True)
class Kind:
    """What a statement's text tells."""

    head: str = "?"
    gets_look: bool = True
    is_data: bool = False
    """It reads or writes rows: the same text takes the same locks again."""
    may_call: bool = False
    """It is a query that may call functions, which lock what their arguments say."""
    streams_rows: bool = False
    """Its rows go out as they are found; else none does before all of it is done."""
    only_reads: bool = False
    """It cannot change the schema, as far as its text tells."""
    is_control: bool = False
    """It is about sessions and transactions, and no news unless it fails."""
    ends_transaction: bool = False
    hides_locks: bool = False
    """Locks may come and go inside it, and a look behind it comes too late."""
    told: tuple[tuple[str, str], ...] = ()
    """Relations as they are written, and the mode of the lock that its text tells. `*` are all that
    are stored, `s.*` all of a schema; of CLUSTER those that were sorted by an index before. Where
    it gets a look, only what is partitioned is to be told so."""
    tells_rewrite: bool = False
    """Its text tells that they are rewritten."""
    savepoint: str = ""
    """Which one it makes, releases or rolls back to, as PostgreSQL names it."""


UNKNOWN = Kind()
WHOLE = Kind(gets_look=False, hides_locks=True)
"""A Query that is sent as it came, because nobody is sure of its statements."""
EMPTY = Kind(head="", gets_look=False, only_reads=True, is_control=True)
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
    told, tells_rewrite = ((), False) if gets_look and head not in _SPREADING else _told(own)
    return Kind(
        head=head,
        gets_look=gets_look,
        is_data=head in _DATA,
        may_call=head in _DATA and head not in _CHANGES and b"(" in own,
        streams_rows=head in _STREAMING or (head == "WITH" and not _CHANGING.search(own)),
        only_reads=(head in _CONTROL and words[1:2] != ("PREPARED",))
        or (head in _STREAMING and _calls_known(own)),
        is_control=head in _CONTROL,
        ends_transaction=_ends_transaction(words),
        hides_locks=head in _HIDING or (is_alone and "CONCURRENTLY" in words),
        told=told,
        tells_rewrite=tells_rewrite,
        savepoint=_savepoint(own) if head in _OF_SAVEPOINTS else "",
    )


def _calls_known(text: bytes) -> bool:
    """Whether a query calls only what is known to change no schema, and is no SELECT INTO."""
    return len(text) <= _CACHED_BYTES and not _UNKNOWN_CALL.search(text)


def _ends_transaction(words: tuple[str, ...]) -> bool:
    is_partial = "TO" in words[1:4] or words[1:2] == ("PREPARED",)
    return (words[0] in _ENDING and not is_partial) or words[:2] == ("PREPARE", "TRANSACTION")


def gone(text: bytes) -> list[str]:
    """Name the tables that nobody finds by that name any more, after a DROP TABLE or a RENAME.

    With their schemas: of a name without one, that is taken for `public`.
    """
    pieces = _Pieces(text)
    head = pieces.skip() if pieces.has_more else ""
    if head not in ("ALTER", "DROP") or not pieces.taken("TABLE"):
        return []
    for word in ("IF", "EXISTS"):
        pieces.taken(word)
    names = [qualified(each) for each in pieces.names()]
    is_gone = head == "DROP" or (pieces.taken("RENAME") and pieces.taken("TO"))
    return names if is_gone else []


def told(kind: Kind, relations: Relations) -> Iterator[tuple[Relation, str]]:
    """Tell what a statement locks by its text alone, with the modes."""
    for name, mode in kind.told:
        found = relations.all_named(name)
        if kind.gets_look and not (found and found[0].is_partitioned):
            continue
        for each in found if kind.head != "ALTER" else found[:1]:
            if kind.head == "CLUSTER" and name == ALL and not each.is_clustered:
                continue
            yield each, mode
            if kind.head == "REINDEX" and mode == "SHARE":
                yield from ((index, ACCESS_EXCLUSIVE) for index in relations.indexes(each))


def kind_of_statement(text: bytes) -> Kind:
    """Tell what a text of one statement is."""
    return _cached(text) if len(text) <= _CACHED_BYTES else _kind_of_statement(text)


def _kind_of_statement(text: bytes) -> Kind:
    script = script_of(text)
    if script is None:
        return UNKNOWN
    return kind_of(text, script.parts[0]) if script.parts else EMPTY


_cached = lru_cache(maxsize=1_000)(_kind_of_statement)


_Locks = tuple[tuple[str, str], ...]


def _told(text: bytes) -> tuple[_Locks, bool]:
    """Give the locks that a text tells, and whether it tells of a rewrite."""
    pieces = _Pieces(text)
    head = pieces.skip()
    if head == "LOCK":
        return _of_lock(pieces), False
    if head == "COPY":
        names = pieces.names()[:1]
        return tuple((name, "ROW EXCLUSIVE") for name in names if pieces.taken("FROM")), False
    if head in ("VACUUM", "ANALYSE", "ANALYZE"):
        return _of_vacuum(pieces)
    if head == "REINDEX":
        return _of_reindex(pieces), False
    if head == "CLUSTER":
        pieces.has_option("VERBOSE")
        return ((next(iter(pieces.names()), ALL), ACCESS_EXCLUSIVE),), True
    if head in _BEFORE_NAME:
        return _of_gentle(pieces, head), False
    return (), False


def _savepoint(text: bytes) -> str:
    """Read the name of SAVEPOINT, RELEASE and ROLLBACK TO; empty for ROLLBACK by itself."""
    pieces = _Pieces(text)
    head = pieces.skip()
    if head == "ROLLBACK":
        pieces.taken("WORK", "TRANSACTION")
        if not pieces.taken("TO"):
            return ""
    is_said = head != "SAVEPOINT" and pieces.taken("SAVEPOINT")  # it may be a name too
    return unquoted(next(iter(pieces.names()), "savepoint" if is_said else ""))


def _of_lock(pieces: _Pieces) -> _Locks:
    pieces.taken("TABLE")
    names = pieces.names()
    mode = []
    if pieces.taken("IN"):
        while pieces.has_more and not pieces.taken("MODE"):
            mode.append(pieces.skip())
    return tuple((name, " ".join(mode) or ACCESS_EXCLUSIVE) for name in names)


def _of_gentle(pieces: _Pieces, head: str) -> _Locks:
    while pieces.has_more and not pieces.taken(*_BEFORE_NAME[head]):
        pieces.skip()
    for word in ("CONCURRENTLY", "IF", "EXISTS"):
        pieces.taken(word)
    return tuple((name, _GENTLE_MODE) for name in pieces.names()[:1])


def _of_vacuum(pieces: _Pieces) -> tuple[_Locks, bool]:
    is_full = pieces.has_option("FULL")
    mode = ACCESS_EXCLUSIVE if is_full else _GENTLE_MODE
    names = pieces.names() or [ALL] * is_full
    return tuple((name, mode) for name in names), is_full


def _of_reindex(pieces: _Pieces) -> _Locks:
    what = ""
    is_beside = False
    while pieces.has_more and what not in _REINDEXED:
        what = pieces.skip()
        is_beside = is_beside or what == "CONCURRENTLY"
    is_beside = pieces.taken("CONCURRENTLY") or is_beside
    names = pieces.names()[:1]
    if what == "SCHEMA":
        names = [f"{name}.{ALL}" for name in names]
    elif what not in ("INDEX", "TABLE"):
        names = [ALL] * (what == "DATABASE")
    return tuple((name, _GENTLE_MODE if is_beside else "SHARE") for name in names)


class _Pieces:
    """A statement's text without white space and comments, read from the left."""

    def __init__(self, text: bytes) -> None:
        whole = (each for each in tokens(text) if each[0] not in ("space", "comment"))
        self._pieces = [
            (kind in ("word", "identifier"), text[start:end].decode("utf-8", "replace"))
            for kind, start, end in islice(whole, _MOST_PIECES)
        ]
        self._pieces.reverse()

    @property
    def has_more(self) -> bool:
        return bool(self._pieces)

    def skip(self) -> str:
        """Go on behind the next piece, and give it in capitals."""
        return self._pieces.pop()[1].upper()

    def taken(self, *wanted: str) -> bool:
        """Go on behind the next piece, if it is one of these."""
        is_next = self.has_more and self._pieces[-1][1].upper() in wanted
        if is_next:
            self._pieces.pop()
        return is_next

    def names(self) -> list[str]:
        """Read the names of a list of relations, perhaps with columns."""
        names: list[str] = []
        while True:
            self.taken("ONLY")
            if not (self.has_more and self._pieces[-1][0]):
                return names
            names.append(self._name())
            self.taken("*")
            self._parenthesis()
            if not self.taken(","):
                return names

    def _name(self) -> str:
        name = self._pieces.pop()[1]
        while self.taken(".") and self.has_more:
            name = f"{name}.{self._pieces.pop()[1]}"
        return name

    def has_option(self, name: str) -> bool:
        """Read the options of VACUUM, as they are written today or were once."""
        inside = self._parenthesis()
        while self.has_more and self._pieces[-1][1].upper() in _OLD_OPTIONS:
            inside += [self.skip(), ","]
        values = zip(inside, [*inside[1:], ","])
        return any(word == name and value.strip("'\"") not in _NO for word, value in values)

    def _parenthesis(self) -> list[str]:
        inside = []
        if self.taken("("):
            while self.has_more and not self.taken(")"):
                inside.append(self.skip())
        return inside
