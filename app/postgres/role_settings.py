"""Settings that a tenant keeps on its roles with ALTER ROLE ... SET: which stay, and how.

A setting on a role begins every later session of it: a deployed application's, a job's, and the one
in which we look for the mark. What stays is therefore a list of what only changes how names are
found and how values are written. Anybody may set far more for a session of their own; it is not
kept, because with it somebody could

- keep a login from getting in or from working: `local_preload_libraries`, `role`, timeouts,
  `default_transaction_read_only`, `row_security`;
- load code: the same, and `session_preload_libraries`;
- have more than others of the server, or keep less safe what is written: memory, parallel workers,
  `temp_tablespaces`, `synchronous_commit`;
- change how a client must quote (`standard_conforming_strings`, encodings), or what sessions are
  called (`application_name`), by which we tell them apart.
"""

import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import errors
from psycopg.sql import SQL, Composed, Identifier, Literal

from app.core.databases import TenantDatabase
from app.core.identifiers import RoleName
from app.postgres.sessions import Session

_ANY: Collection[str] | None = None
# In lower case, as PostgreSQL compares names of settings. With values: these alone stay.
_HARMLESS: Mapping[str, Collection[str] | None] = {
    "bytea_output": _ANY,
    "client_encoding": {"utf8", "utf-8", "unicode"},
    "client_min_messages": {"notice", "warning", "error"},
    "datestyle": _ANY,
    "default_text_search_config": _ANY,
    "default_transaction_isolation": _ANY,
    "extra_float_digits": _ANY,
    "intervalstyle": _ANY,
    "jit": _ANY,
    "lc_monetary": _ANY,
    "lc_numeric": _ANY,
    "lc_time": _ANY,
    "search_path": _ANY,
    "timezone": _ANY,
    "xmlbinary": _ANY,
    "xmloption": _ANY,
}
# PostgreSQL takes these for blanks, and folds these letters only, in an encoding of many bytes.
# https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/parser/scansup.c
_BLANKS = " \t\n\r\f\v"
_FOLDED = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# Ours; a tenant may not set it.
_OURS = {"temp_file_limit"}
# Every session carries it, and every catalog query reads it.
_LONGEST_BYTES = 2000

_READ = """
SELECT setdatabase <> 0, split_part(setting, '=', 1),
  CASE WHEN octet_length(setting) <= %(longest)s
    THEN substr(setting, strpos(setting, '=') + 1) END
FROM pg_db_role_setting, unnest(setconfig) AS setting
WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
  AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = %(database)s))
"""
# What we gave a job's login in the database stands in its comment, which nobody but the service may
# change: as hashes of names with values. Compared with what its long-lived login has at the end, a
# job would undo what another has changed meanwhile.
_GAVE = "coppice gave"
_NOTE = SQL(
    """
DO $note$ BEGIN
    EXECUTE (SELECT format('COMMENT ON ROLE %I IS %L', {role}, concat_ws(' ', {gave},
            string_agg(hashtextextended(setting, 0)::text, ' ')))
        FROM pg_db_role_setting, unnest(setconfig) AS setting
        WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = {role})
            AND setdatabase = (SELECT oid FROM pg_database WHERE datname = {database}));
END $note$"""
)
# These are classes of SQLSTATEs: 22 and 42.
_NO_LONGER_TAKEN = (
    "EXCEPTION WHEN data_exception OR syntax_error_or_access_rule_violation THEN NULL;"
)
# A login that an earlier version of ours made has no such comment: all is taken for given.
_READ_OWN = f"""{_READ}
  AND (setdatabase = 0 OR EXISTS (
    SELECT FROM shobj_description(setrole, 'pg_authid') AS note
    WHERE starts_with(note, '{_GAVE}')
      AND hashtextextended(setting, 0)::text <> ALL (string_to_array(note, ' '))
  ))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSetting:
    """One setting of a role, as the catalog has it."""

    name: str
    value: str | None
    """None: longer than anybody needs."""
    is_in_database: bool
    """For sessions in the tenant's database only, over what is for all."""

    @property
    def is_harmless(self) -> bool:
        key = self.name.lower()
        if self.value is None or key not in _HARMLESS:
            return False
        allowed = _HARMLESS[key]
        return allowed is None or self.value.lower() in allowed


def read(session: Session, role: RoleName, database: TenantDatabase) -> list[RoleSetting]:
    """What is set for a role, ours left out; nothing for a role that is gone.

    Nothing also where a value is no text in the encoding of the maintenance database: it cannot be
    given to anybody either.
    """
    return _rows(session, _READ, role, database)


def read_own(session: Session, job: RoleName, database: TenantDatabase) -> list[RoleSetting]:
    """The same of a job's login, without what it was given and has unchanged; see `note_given`."""
    return _rows(session, _READ_OWN, job, database)


def _rows(
    session: Session, query: LiteralString, role: RoleName, database: TenantDatabase
) -> list[RoleSetting]:
    parameters = {"role": role, "database": database.name, "longest": _LONGEST_BYTES}
    try:
        rows = session.execute(query, parameters).fetchall()
    except (errors.CharacterNotInRepertoire, errors.UntranslatableCharacter):
        return []
    return [
        RoleSetting(name=name, value=value, is_in_database=is_in_database)
        for is_in_database, name, value in rows
        if name not in _OURS
    ]


def note_given(job: RoleName, database: TenantDatabase) -> Composed:
    """The statement that takes what a job's login has in the database for given by us.

    To be sent behind those that give it, in their transaction.
    """
    return _NOTE.format(role=Literal(job), database=Literal(database.name), gave=Literal(_GAVE))


def kept(settings: Iterable[RoleSetting]) -> list[RoleSetting]:
    """Those that stay; of several for the same place the last."""
    places = {(one.is_in_database, one.name): one for one in settings if one.is_harmless}
    return list(places.values())


def taken_back(found: Sequence[RoleSetting], left: Sequence[RoleSetting]) -> tuple[str, ...]:
    """Names of what was found and is not left: not harmless, or PostgreSQL no longer takes it."""
    places = {(one.is_in_database, one.name) for one in left}
    lost = {one.name for one in found if not one.is_harmless and one not in left}
    lost |= {one.name for one in kept(found) if (one.is_in_database, one.name) not in places}
    return tuple(sorted(lost))


def in_effect(settings: Iterable[RoleSetting]) -> list[RoleSetting]:
    """What of those a session in the database begins with."""
    ordered = sorted(kept(settings), key=lambda one: one.is_in_database)
    return list({one.name: one for one in ordered}.values())


def forget(role: RoleName) -> Composed:
    """The statement that takes every setting from a role that it has in all databases."""
    return SQL("ALTER ROLE {} RESET ALL").format(Identifier(role))


def give(role: RoleName, database: TenantDatabase, setting: RoleSetting) -> Composed:
    """The statement that gives a role a harmless setting where it was found.

    It does nothing where PostgreSQL no longer takes the value, which keeps nobody from getting in:
    an upgrade may have taken a time zone away since it was set.
    """
    place = SQL(" IN DATABASE {}").format(Identifier(database.name))
    change = SQL("ALTER ROLE {role}{place} SET {name} = {values}").format(
        role=Identifier(role),
        place=place if setting.is_in_database else SQL(""),
        name=Identifier(setting.name),
        values=SQL(", ").join([Literal(word) for word in words(setting)]),
    )
    return SQL("DO {}").format(Literal(f"BEGIN {change.as_string()}; {_NO_LONGER_TAKEN} END"))


def words(setting: RoleSetting) -> Sequence[str]:
    """What to write behind SET, each as one literal.

    PostgreSQL stores the value as it would be shown. Given back as one literal, `app, public`
    would be one schema of that name, for what is a list of names is quoted again when it is set.
    https://github.com/postgres/postgres/blob/REL_18_STABLE/src/bin/pg_dump/dumputils.c
    (makeAlterConfigCommand, SplitGUCList); of the settings that stay only one is such a list.
    """
    value = setting.value or ""
    return names_in(value) if setting.name.lower() == "search_path" else [value]


def names_in(value: str) -> list[str]:
    """Split a stored list of names; in quotes everything counts, and two of them are one."""
    names, rest = [], value.strip(_BLANKS)
    while rest:
        if rest.startswith('"'):
            name, rest = _quoted(rest)
        else:
            name, comma, behind = rest.partition(",")
            name, rest = name.strip(_BLANKS).translate(_FOLDED), comma + behind
        names.append(name)
        rest = rest.strip(_BLANKS).removeprefix(",").strip(_BLANKS)
    return names or [""]


def _quoted(text: str) -> tuple[str, str]:
    """The name in quotes with which a text begins, and what follows it."""
    pieces, at = [], 1
    while (end := text.find('"', at)) >= 0:
        pieces.append(text[at:end])
        if not text.startswith('""', end):
            return '"'.join(pieces), text[end + 1 :]
        at = end + 2
    return text[1:], ""
