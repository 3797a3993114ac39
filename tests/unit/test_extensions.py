"""What an assignment asks for, and in which order a database gets it."""

import pytest

from app.core.errors import Invalid
from app.core.extensions import (
    Available,
    Wanted,
    check_schemas,
    parse,
    parse_all,
    schema_for,
    with_requirements,
)


def available(name: str, *requires: str, schema: str | None = None) -> Available:
    return Available(name=name, is_trusted=True, schema=schema, requires=requires)


SERVER = {
    one.name: one
    for one in (
        available("cube"),
        available("earthdistance", "cube"),
        available("postgis"),
        available("postgis_topology", "postgis", schema="topology"),
        available("plperl", schema="pg_catalog"),
        available("left", "right"),
        available("right", "left"),
    )
}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pg_trgm", Wanted(name="pg_trgm")),
        (" uuid-ossp ", Wanted(name="uuid-ossp")),
        ("vector:extensions", Wanted(name="vector", schema="extensions")),
        ("cube:Größe 1", Wanted(name="cube", schema="Größe 1")),
    ],
)
def test_an_extension_is_read_with_its_schema(text: str, wanted: Wanted) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", ":x", "x:", "a b", "a/b", "a--b", "-a", "x:y:z", "x:pg_catalog", 'x:"y"', "x:" + "ü" * 32],
)
def test_what_names_no_extension_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="names no extension"):
        parse(text)


def test_one_extension_in_two_schemas_is_refused() -> None:
    assert parse_all(["a", "a", "b:x"]) == (Wanted(name="a"), Wanted(name="b", schema="x"))
    with pytest.raises(Invalid, match="two schemas"):
        parse_all(["a", "a:x"])


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["earthdistance"], ["cube", "earthdistance"]),
        (["earthdistance", "cube:x"], ["cube:x", "earthdistance"]),
        (["cube:x", "earthdistance"], ["cube:x", "earthdistance"]),
        (["postgis_topology:geo"], ["postgis:geo", "postgis_topology:geo"]),
        (["nowhere", "cube"], ["nowhere", "cube"]),
        (["left"], ["right", "left"]),
    ],
)
def test_what_is_required_comes_first(texts: list[str], order: list[str]) -> None:
    assert with_requirements(parse_all(texts), SERVER) == parse_all(order)


def test_an_extension_with_a_schema_of_its_own_stays_in_it() -> None:
    assert schema_for(parse("plperl"), SERVER["plperl"]) is None
    assert schema_for(parse("cube"), SERVER["cube"]) == "public"
    check_schemas(parse_all(["plperl", "cube:x", "postgis_topology:topology"]), SERVER)
    with pytest.raises(Invalid, match="always in the schema topology"):
        check_schemas([parse("postgis_topology:geo")], SERVER)
