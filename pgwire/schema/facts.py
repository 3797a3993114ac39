"""The facts of a database's schema, by PostgreSQL's own deparsers, in one statement.

Nothing of an extension's own, nothing of owners and privileges, which differ between databases that
are meant to be equal, and nothing of where and how values are stored. OPTIONS of foreign tables,
foreign servers and user mappings, and subscriptions, which hold passwords, are never read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pgwire.client import LoginRefused
from pgwire.text import plain

if TYPE_CHECKING:
    from pgwire.client import Session

Answer = list[list["str | None"]]
"""What the server said, not read yet."""
Facts = dict[tuple[str, str], dict[str, str]]
"""Of each thing, by kind and name: its attributes. `of` is the table or type that it belongs to,
`part of` what it is the part of a partition of; `rest` is a hash, where texts were cut. `id` stays
with a thing under each name: when the server started, its own number, `@`, its database's."""

MOST_FACTS = 20_000
_MOST_BYTES = 40_000_000
_LONGEST_TEXT, _LONGEST_LIST = 2_000, 100_000
_PART_BYTES = 100_000  # of an answer's row: the client takes some hundred, of a megabyte each
_SECONDS = 10
_REFUSALS = {
    "57014": f"Reading its catalog took longer than {_SECONDS} seconds.",
    "55P03": "Somebody holds a lock on a part of it.",
}

# Deparsers are what costs, in a session with nothing in its caches: they are not begun on what is
# too large. Without BEGIN: what fails within a Query's own transaction leaves none behind. Its only
# locks are ACCESS SHARE, on what is deparsed. Columns that a table has of its parents are told of
# those alone. What belongs to something (`i`) is an identity's sequence, an index of a constraint,
# or the like.
_QUESTION = r"""
SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY;
SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL jit = off;
SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '{seconds}s';
WITH own AS (
  SELECT classid, objid, deptype FROM pg_depend WHERE deptype IN ('e', 'i')
), ns AS (
  SELECT n.oid, quote_ident(nspname) AS name FROM pg_namespace AS n
  WHERE nspname <> 'information_schema' AND nspname !~ '^pg_' AND NOT EXISTS (
    SELECT FROM own WHERE classid = 'pg_namespace'::regclass AND objid = n.oid)
), rel AS (
  SELECT c.*, ns.name || '.' || quote_ident(c.relname) AS name
  FROM pg_class AS c JOIN ns ON ns.oid = c.relnamespace
  WHERE c.relpersistence <> 't' AND NOT EXISTS (
    SELECT FROM own WHERE classid = 'pg_class'::regclass AND objid = c.oid
      AND (deptype = 'e' OR c.relkind IN ('S', 'i', 'I')))
), typ AS (
  SELECT t.*, ns.name || '.' || quote_ident(t.typname) AS name
  FROM pg_type AS t JOIN ns ON ns.oid = t.typnamespace
  WHERE t.typtype IN ('e', 'd', 'r', 'c') AND NOT EXISTS (
    SELECT FROM own WHERE classid = 'pg_type'::regclass AND objid = t.oid)
), at_least AS MATERIALIZED (
  SELECT count(*) + (SELECT count(*) FROM rel JOIN pg_attribute ON attrelid = oid AND attnum > 0
    WHERE relkind IN ('r', 'p', 'f', 'c') AND NOT attisdropped
      AND (attislocal OR attinhcount = 0)) AS facts
  FROM rel
), fact (kind, name, about) AS (
  SELECT 'schema', name, json_build_object('comment', obj_description(oid, 'pg_namespace'))
  FROM ns

  UNION ALL SELECT 'extension', quote_ident(extname), json_build_object(
    'version', extversion, 'schema', extnamespace::regnamespace::text)
  FROM pg_extension

  UNION ALL SELECT
    CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
      WHEN 'f' THEN 'foreign table' ELSE 'table' END,
    name, json_build_object('id', rel.oid,
    'definition', CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(rel.oid) END,
    'partition key', CASE WHEN relkind = 'p' THEN pg_get_partkeydef(rel.oid) END,
    CASE WHEN relispartition THEN 'partition of' ELSE 'inherits' END, (
      SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno)
      FROM pg_inherits WHERE inhrelid = rel.oid),
    'bounds', pg_get_expr(relpartbound, rel.oid),
    'row security', CASE WHEN relrowsecurity AND relforcerowsecurity THEN 'forced'
      WHEN relrowsecurity THEN 'enabled' END,
    'persistence', CASE relpersistence WHEN 'u' THEN 'unlogged' END,
    'replica identity', CASE WHEN relkind IN ('v', 'm') THEN NULL
      WHEN relreplident = 'f' THEN 'full' WHEN relreplident = 'n' THEN 'nothing'
      WHEN relreplident = 'i' THEN (SELECT 'index ' || indexrelid::regclass FROM pg_index
        WHERE indrelid = rel.oid AND indisreplident) END,
    'options', array_to_string(reloptions, ', '),
    'server', (SELECT srvname FROM pg_foreign_table AS f JOIN pg_foreign_server AS s
      ON s.oid = f.ftserver WHERE ftrelid = rel.oid),
    'comment', d.description,
    'comments on columns', CASE WHEN relkind IN ('v', 'm') THEN (
      SELECT string_agg(quote_ident(attname) || ': ' || description, ', ' ORDER BY attnum)
      FROM pg_attribute JOIN pg_description ON objoid = attrelid AND objsubid = attnum
        AND classoid = 'pg_class'::regclass WHERE attrelid = rel.oid AND attnum > 0) END)
  FROM rel LEFT JOIN pg_description AS d
    ON (d.objoid, d.classoid, d.objsubid) = (rel.oid, 'pg_class'::regclass, 0)
  WHERE relkind IN ('r', 'p', 'v', 'm', 'f')

  UNION ALL SELECT CASE relkind WHEN 'c' THEN 'attribute' ELSE 'column' END,
    name || '.' || quote_ident(attname), json_build_object(
    'id', attrelid || '.' || attnum, 'of', name, 'type', format_type(atttypid, atttypmod),
    'collation', CASE WHEN attcollation <> typcollation THEN attcollation::regcollation::text END,
    'not null', CASE WHEN attnotnull THEN CASE WHEN EXISTS (
      SELECT FROM pg_constraint WHERE conrelid = attrelid AND contype = 'n' AND NOT convalidated
        AND conkey = ARRAY[attnum]) THEN 'not validated' ELSE 'yes' END END,
    'identity', CASE attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
    'generated', CASE attgenerated WHEN 's' THEN 'stored ' WHEN 'v' THEN 'virtual ' END
      || pg_get_expr(adbin, adrelid),
    'default', CASE attgenerated WHEN '' THEN pg_get_expr(adbin, 0) END,
    'comment', d.description)
  FROM rel JOIN pg_attribute ON attrelid = rel.oid AND attnum > 0 AND NOT attisdropped
  JOIN pg_type AS t ON t.oid = atttypid
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  LEFT JOIN pg_description AS d
    ON (d.objoid, d.classoid, d.objsubid) = (attrelid, 'pg_class'::regclass, attnum)
  WHERE relkind IN ('r', 'p', 'f', 'c') AND (attislocal OR attinhcount = 0)

  UNION ALL SELECT 'constraint', name || '.' || quote_ident(k.conname), json_build_object(
    'id', k.oid, 'of', name, 'definition', regexp_replace(definition, ' NOT VALID$', ''),
    'validated', CASE WHEN definition ~ ' NOT VALID$' THEN 'no' END,
    'part of', CASE WHEN k.conparentid <> 0
      THEN (SELECT conrelid::regclass || '.' || quote_ident(conname) FROM pg_constraint
        WHERE oid = k.conparentid)
      WHEN k.coninhcount > 0 THEN (SELECT inhparent::regclass || '.' || quote_ident(k.conname)
        FROM pg_inherits WHERE inhrelid = rel.oid ORDER BY inhseqno LIMIT 1) END,
    'comment', d.description)
  FROM rel JOIN pg_constraint AS k ON k.conrelid = rel.oid
  LEFT JOIN pg_description AS d
    ON (d.objoid, d.classoid, d.objsubid) = (k.oid, 'pg_constraint'::regclass, 0),
  LATERAL pg_get_constraintdef(k.oid) AS definition
  WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')

  UNION ALL SELECT 'index', i.name, json_build_object(
    'id', i.oid, 'of', rel.name, 'definition', pg_get_indexdef(i.oid),
    'valid', CASE WHEN NOT indisvalid THEN 'no' END,
    'part of', (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = i.oid),
    'comment', d.description)
  FROM pg_index JOIN rel ON rel.oid = indrelid JOIN rel AS i ON i.oid = indexrelid
  LEFT JOIN pg_description AS d
    ON (d.objoid, d.classoid, d.objsubid) = (i.oid, 'pg_class'::regclass, 0)

  UNION ALL SELECT 'sequence', name, json_build_object('id', rel.oid,
    'of', (SELECT attrelid::regclass || '.' || quote_ident(attname)
      FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
      WHERE classid = 'pg_class'::regclass AND objid = rel.oid AND deptype = 'a'
        AND refclassid = 'pg_class'::regclass LIMIT 1),
    'type', format_type(seqtypid, NULL), 'start', seqstart, 'increment', seqincrement,
    'minimum', seqmin, 'maximum', seqmax, 'cycle', CASE WHEN seqcycle THEN 'yes' END,
    'comment', d.description)
  FROM rel JOIN pg_sequence ON seqrelid = rel.oid
  LEFT JOIN pg_description AS d
    ON (d.objoid, d.classoid, d.objsubid) = (rel.oid, 'pg_class'::regclass, 0)

  UNION ALL SELECT
    CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
    p.oid::regprocedure::text, json_build_object('id', p.oid,
    'returns', pg_get_function_result(p.oid),
    'definition', CASE prokind WHEN 'a' THEN (
      SELECT concat_ws(', ', 'SFUNC ' || aggtransfn, 'STYPE ' || format_type(aggtranstype, NULL),
        'FINALFUNC ' || nullif(aggfinalfn::oid, 0)::regproc, 'INITCOND ' || agginitval,
        'MSFUNC ' || nullif(aggmtransfn::oid, 0)::regproc)
      FROM pg_aggregate WHERE aggfnoid = p.oid) ELSE pg_get_functiondef(p.oid) END,
    'comment', obj_description(p.oid, 'pg_proc'))
  FROM pg_proc AS p JOIN ns ON ns.oid = p.pronamespace WHERE NOT EXISTS (
    SELECT FROM own WHERE classid = 'pg_proc'::regclass AND objid = p.oid)

  UNION ALL SELECT CASE typtype WHEN 'd' THEN 'domain' ELSE 'type' END, name, json_build_object(
    'id', oid,
    'values', CASE typtype WHEN 'e' THEN (SELECT json_agg(enumlabel ORDER BY enumsortorder)::text
      FROM pg_enum WHERE enumtypid = typ.oid) END,
    'type', CASE typtype WHEN 'd' THEN format_type(typbasetype, typtypmod) END,
    'not null', CASE WHEN typnotnull THEN 'yes' END, 'default', typdefault,
    'checks', (SELECT json_agg(pg_get_constraintdef(oid) ORDER BY conname)::text
      FROM pg_constraint WHERE contypid = typ.oid AND contype = 'c'),
    'subtype', (SELECT format_type(rngsubtype, NULL) FROM pg_range WHERE rngtypid = typ.oid),
    'comment', obj_description(oid, 'pg_type'))
  FROM typ

  UNION ALL SELECT 'trigger', name || '.' || quote_ident(tgname), json_build_object(
    'id', t.oid, 'of', name, 'definition', pg_get_triggerdef(t.oid),
    'enabled', CASE tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replicas'
      WHEN 'A' THEN 'always' END,
    'comment', obj_description(t.oid, 'pg_trigger'))
  FROM rel JOIN pg_trigger AS t ON tgrelid = rel.oid WHERE NOT tgisinternal AND tgparentid = 0

  UNION ALL SELECT 'rule', name || '.' || quote_ident(rulename), json_build_object(
    'of', name, 'definition', pg_get_ruledef(r.oid),
    'enabled', CASE ev_enabled WHEN 'D' THEN 'no' END)
  FROM rel JOIN pg_rewrite AS r ON ev_class = rel.oid WHERE rulename <> '_RETURN'

  UNION ALL SELECT 'policy', name || '.' || quote_ident(polname), json_build_object(
    'id', p.oid, 'of', name, 'for', CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
      WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
    'restrictive', CASE WHEN NOT polpermissive THEN 'yes' END,
    'to', (SELECT string_agg(role, ', ' ORDER BY role) FROM unnest(polroles) AS r,
      LATERAL (SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END) AS _ (role)),
    'using', pg_get_expr(polqual, polrelid), 'with check', pg_get_expr(polwithcheck, polrelid),
    'comment', obj_description(p.oid, 'pg_policy'))
  FROM rel JOIN pg_policy AS p ON polrelid = rel.oid

  UNION ALL SELECT 'statistics', ns.name || '.' || quote_ident(stxname), json_build_object(
    'of', rel.name, 'definition', pg_get_statisticsobjdef(s.oid),
    'comment', obj_description(s.oid, 'pg_statistic_ext'))
  FROM pg_statistic_ext AS s JOIN ns ON ns.oid = stxnamespace JOIN rel ON rel.oid = stxrelid
), kept AS MATERIALIZED (
  SELECT kind, name, CASE WHEN length(about::text) <= {text} THEN about ELSE (
    SELECT json_object_agg(key,
      left(value, CASE WHEN key IN ('values', 'checks') THEN {list} ELSE {text} END))::jsonb
      || jsonb_build_object('rest', hashtextextended((about::jsonb - 'id')::text, 0))
    FROM json_each_text(about))::json END AS about
  FROM fact WHERE (SELECT facts FROM at_least) <= {facts}
), told AS (
  SELECT json_build_array(kind, name, about) AS told, count(*) OVER () AS facts,
    sum(octet_length(about::text)) OVER () AS bytes,
    sum(octet_length(about::text) + 100) OVER (ROWS UNBOUNDED PRECEDING) / {part} AS part
  FROM kept
)
SELECT min(facts), min(extract(epoch FROM pg_postmaster_start_time())), (
    SELECT oid FROM pg_database WHERE datname = current_database()),
  json_agg(told) FILTER (WHERE facts <= {facts} AND bytes <= {bytes})
FROM told GROUP BY CASE WHEN facts <= {facts} AND bytes <= {bytes} THEN part END
UNION ALL SELECT facts, NULL, NULL, NULL FROM at_least WHERE facts > {facts}
"""


class NotRead(Exception):
    """The schema is too large, or was not to be read in time; `str()` is a sentence about it."""


def read(session: Session) -> Facts:
    """Ask for all of a database's schema. Raises NotRead, and what a session raises.

    It takes no right on anything, and whatever comes of it, the session can be used further.
    """
    return read_in(asked(session))


def asked(session: Session) -> Answer:
    """Ask only, where somebody waits for it; see `read`."""
    question = _QUESTION.format(
        seconds=_SECONDS,
        facts=MOST_FACTS,
        bytes=_MOST_BYTES,
        part=_PART_BYTES,
        text=_LONGEST_TEXT,
        list=_LONGEST_LIST,
    )
    try:
        return session.rows(question)
    except LoginRefused as error:
        why = f"PostgreSQL refuses to read its catalog: {plain(str(error), limit=200)}"
        raise NotRead(_REFUSALS.get(error.sqlstate, why)) from error


def read_in(answer: Answer) -> Facts:
    """Read the answer. Raises NotRead."""
    found: Facts = {}
    for count, started, database, part in answer:
        if part is None:
            parts = f"at least {int(count or 0):,} parts"
            raise NotRead(f"It is too large to compare: it consists of {parts}.")
        for kind, name, about in json.loads(part):
            found[kind, name] = {
                key: str(value) for key, value in about.items() if value is not None
            }
            if "id" in about:
                found[kind, name]["id"] = f"{started}/{about['id']}@{database}"
    return found
