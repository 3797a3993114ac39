"""How two schemas differ, in which order, and in which words."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from pgwire.schema.diff import MOST_CHANGES, Change, Diff, changes
from pgwire.schema.facts import Facts
from pgwire.schema.risks import DATA, GUARANTEE, NONE, keeps_values

TABLE: Facts = {
    ("table", "public.users"): {},
    ("column", "public.users.id"): {"of": "public.users", "type": "integer", "not null": "yes"},
    ("constraint", "public.users.users_pkey"): {
        "of": "public.users",
        "definition": "PRIMARY KEY (id)",
    },
    ("index", "public.users_id"): {"of": "public.users", "definition": "CREATE INDEX ..."},
    ("sequence", "public.users_id_seq"): {"of": "public.users.id", "type": "integer"},
}
CHILD: Facts = {
    ("table", "public.parts_1"): {"partition of": "public.parts", "bounds": "DEFAULT"},
    ("constraint", "public.parts_1.positive"): {
        "of": "public.parts_1",
        "part of": "public.parts.positive",
        "definition": "CHECK ((a > 0))",
    },
}


def told(before: Facts, after: Facts) -> list[str]:
    return [str(change) for change in changes(before, after).changes]


def changed(kind: str, before: dict[str, str], after: dict[str, str]) -> Change:
    [change] = changes({(kind, "public.x"): before}, {(kind, "public.x"): after}).changes
    return change


def test_a_table_that_comes_or_goes_is_one_change_with_all_that_is_in_it() -> None:
    assert told(TABLE, {}) == ["table public.users: dropped"]
    assert told({}, TABLE) == ["table public.users: added"]
    assert told(TABLE, TABLE) == []


def test_what_loses_data_comes_first_then_guarantees_then_changes_then_what_is_new() -> None:
    before: Facts = {
        **TABLE,
        ("column", "public.users.age"): {"of": "public.users", "type": "bigint"},
        ("column", "public.users.name"): {"of": "public.users", "type": "text"},
        ("view", "public.adults"): {"definition": " SELECT 1;"},
        ("table", "public.orders"): {},
    }
    after: Facts = {
        **TABLE,
        ("column", "public.users.age"): {"of": "public.users", "type": "integer"},
        ("column", "public.users.email"): {
            "of": "public.users",
            "type": "text",
            "not null": "yes",
            "default": "''::text",
        },
        ("sequence", "public.users_id_seq"): {"of": "public.users.id", "type": "bigint"},
    }

    found = changes(before, after).changes

    assert [(str(each), each.risk) for each in found] == [
        ("table public.orders: dropped", DATA),
        ("column public.users.name: dropped, text", DATA),
        ("column public.users.age: type bigint -> integer", DATA),
        ("view public.adults: dropped, SELECT 1;", GUARANTEE),
        ("sequence public.users_id_seq: type integer -> bigint", NONE),
        ("column public.users.email: added, text NOT NULL default ''::text", NONE),
    ]


@pytest.mark.parametrize(
    ("kind", "before", "after", "details", "risk"),
    [
        ("column", {"type": "integer"}, {"type": "bigint"}, "type integer -> bigint", NONE),
        (
            "column",
            {"type": "text", "default": "'a'::text", "not null": "yes"},
            {"type": "character varying(3)"},
            "default 'a'::text -> none; no longer NOT NULL; type text -> character varying(3)",
            DATA,
        ),
        ("column", {}, {"not null": "yes"}, "now NOT NULL", NONE),
        ("column", {"not null": "yes"}, {}, "no longer NOT NULL", GUARANTEE),
        ("column", {}, {"not null": "not validated"}, "not null no -> not validated", NONE),
        (
            "column",
            {"not null": "yes"},
            {"not null": "not validated"},
            "not null yes -> not validated",
            GUARANTEE,
        ),
        ("column", {}, {"generated": "stored 1"}, "generated none -> stored 1", DATA),
        ("column", {"generated": "stored 1"}, {}, "generated stored 1 -> none", NONE),
        ("column", {}, {"comment": "a\nb"}, "comment none -> a b", NONE),
        ("type", {"values": '["a", "b"]'}, {"values": '["b", "c"]'}, None, DATA),
        ("type", {"values": '["a"]'}, {"values": '["b", "a"]'}, "value 'b' added", NONE),
        (
            "type",
            {"values": '["a", "b"]'},
            {"values": '["b", "a"]'},
            "order of values changed",
            NONE,
        ),
        (
            "domain",
            {"checks": '["CHECK (1)"]'},
            {"checks": "[]"},
            "check CHECK (1) removed",
            GUARANTEE,
        ),
        ("domain", {"type": "bigint"}, {"type": "integer"}, "type bigint -> integer", DATA),
        ("table", {"row security": "enabled"}, {}, "row security enabled -> off", GUARANTEE),
        (
            "table",
            {"row security": "enabled"},
            {"row security": "forced"},
            "row security enabled -> forced",
            NONE,
        ),
        (
            "table",
            {},
            {"persistence": "unlogged"},
            "persistence permanent -> unlogged",
            GUARANTEE,
        ),
        ("constraint", {"validated": "no"}, {}, "validated no -> yes", NONE),
        ("constraint", {}, {"validated": "no"}, "validated yes -> no", GUARANTEE),
        (
            "constraint",
            {"definition": "CHECK (a > 1)"},
            {"definition": "CHECK (a > 0)"},
            "definition changed: CHECK (a > 1) -> CHECK (a > 0)",
            GUARANTEE,
        ),
        ("index", {}, {"valid": "no"}, "valid yes -> no", GUARANTEE),
        (
            "index",
            {"definition": "CREATE UNIQUE INDEX i"},
            {"definition": "CREATE INDEX i"},
            None,
            GUARANTEE,
        ),
        ("trigger", {}, {"enabled": "no"}, "enabled yes -> no", GUARANTEE),
        ("policy", {"using": "a"}, {"using": "b"}, "using a -> b", GUARANTEE),
        ("policy", {}, {"comment": "b"}, "comment none -> b", NONE),
        ("view", {"options": "security_barrier=true"}, {}, None, GUARANTEE),
        ("function", {"rest": "1"}, {"rest": "2"}, "definition changed", NONE),
    ],
)
def test_a_changed_thing_is_one_change_that_names_what_changed(
    kind: str, before: dict[str, str], after: dict[str, str], details: str | None, risk: str
) -> None:
    change = changed(kind, before, after)

    assert change.risk == risk
    assert details in (None, change.details)


@pytest.mark.parametrize(
    ("before", "after", "is_kept"),
    [
        ("smallint", "bigint", True),
        ("bigint", "integer", False),
        ("integer", "double precision", True),
        ("bigint", "double precision", False),
        ("integer", "numeric(10,0)", True),
        ("integer", "numeric(10,2)", False),
        ("bigint", "numeric", True),
        ("numeric(10,2)", "numeric(12,4)", True),
        ("numeric(10,2)", "numeric(12,1)", False),
        ("numeric(10,2)", "numeric(11,4)", False),
        ("numeric", "numeric(10,2)", False),
        ("numeric(10,2)", "numeric", True),
        ("integer", "numeric(3,-2)", False),
        ("character varying(10)", "character varying(20)", True),
        ("character varying(20)", "character varying(10)", False),
        ("character varying(20)", "character varying", True),
        ("text", "character varying", True),
        ("text", "character varying(20)", False),
        ("character(3)", "character varying(3)", True),
        ("integer[]", "bigint[]", True),
        ("bigint[]", "integer[]", False),
        ("integer[]", "integer", False),
        ("date", "timestamp with time zone", True),
        ("timestamp with time zone", "date", False),
        ("timestamp(3) with time zone", "timestamp(6) with time zone", True),
        ("timestamp without time zone", "timestamp(3) without time zone", False),
        ("public.mood", "text", True),
        ("text", "public.mood", False),
        ("text", "jsonb", False),
    ],
)
def test_a_type_is_narrower_unless_it_is_known_to_hold_all_that_the_other_did(
    before: str, after: str, is_kept: bool
) -> None:
    assert keeps_values(before, after) == is_kept


def test_a_column_of_a_foreign_table_takes_no_data_with_it() -> None:
    table: Facts = {("foreign table", "public.far"): {}}
    column: Facts = {("column", "public.far.a"): {"of": "public.far", "type": "text"}}

    [change] = changes({**table, **column}, table).changes

    assert (str(change), change.risk) == ("column public.far.a: dropped, text", GUARANTEE)


def test_what_a_partition_has_of_its_parent_is_told_of_the_parent_alone() -> None:
    parent: Facts = {
        ("constraint", "public.parts.positive"): {
            "of": "public.parts",
            "definition": "CHECK ((a > 0))",
        }
    }
    other = {key: about for key, about in CHILD.items() if key[0] == "table"}

    assert told(other, {**CHILD, **parent}) == [
        "constraint public.parts.positive: added, CHECK ((a > 0))"
    ]


def test_a_table_that_is_attached_loses_nothing_of_what_it_has() -> None:
    alone: Facts = {
        ("table", "public.parts_1"): {},
        ("column", "public.parts_1.a"): {"of": "public.parts_1", "type": "integer"},
        ("constraint", "public.parts_1.positive"): {
            "of": "public.parts_1",
            "definition": "CHECK ((a > 0))",
        },
    }
    line = "table public.parts_1: bounds none -> DEFAULT; partition of none -> public.parts"

    assert told(alone, CHILD) == [line]


@pytest.mark.parametrize(
    ("server", "database", "lines"),
    [
        (1, 5, ["table public.a: renamed to public.b", "table public.c: dropped and made again"]),
        (1, 6, ["table public.a: renamed to public.b"]),
        (2, 5, ["table public.a: dropped", "table public.b: added"]),
    ],
)
def test_what_became_of_a_thing_is_known_only_where_its_number_means_the_same(
    server: int, database: int, lines: list[str]
) -> None:
    before: Facts = {
        ("table", "public.a"): {"id": "1/7@5"},
        ("table", "public.c"): {"id": "1/8@5"},
    }
    after: Facts = {
        ("table", "public.b"): {"id": f"{server}/7@{database}"},
        ("table", "public.c"): {"id": f"{server}/9@{database}"},
    }

    assert sorted(told(before, after)) == lines


def test_of_a_long_definition_the_place_is_told_where_it_changes() -> None:
    head = "CREATE FUNCTION f()\n AS $$\n" + "  -- a line\n" * 100
    before, after = f"{head}  RETURN 1;\nEND$$", f"{head}  RETURN 2;\nEND$$"

    change = changed("function", {"definition": before}, {"definition": after})

    assert change.details == "definition changed: RETURN 1; END$$ -> RETURN 2; END$$"


def test_texts_and_the_number_of_changes_are_limited() -> None:
    columns: dict[str, str] = {"type": "x" * 3_000, "default": "y" * 3_000}
    after: Facts = {("column", f"public.t.{n:04}{'z' * 300}"): columns for n in range(600)}

    diff = changes({}, after)

    assert (len(diff.changes), diff.more) == (MOST_CHANGES, 100)
    assert max(len(str(change)) for change in diff.changes) < 800


def test_names_are_harmless_and_passwords_are_not_told() -> None:
    hostile: Facts = {("table", 'public."a\x1b[31m\nb\u202e"'): {}}
    body = "PERFORM dblink_connect('host=h password={0}'); ALTER ROLE r PASSWORD '{0}';"
    before, after = ({"definition": body.format(word)} for word in ("hunter2", "hunter3"))

    assert told(hostile, {}) == ['table public."a b": dropped']
    assert "hunter" not in str(changed("function", before, after))
    assert "hunter" not in str(changed("column", {}, {"default": "f(password => 'hunter2')"}))


def test_a_diff_goes_through_json() -> None:
    diff = changes(TABLE, {})

    value: dict[str, Any] = json.loads(json.dumps(asdict(diff)))

    assert Diff(tuple(Change(**each) for each in value["changes"]), value["more"]) == diff
