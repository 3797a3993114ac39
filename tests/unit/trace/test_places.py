"""Where a trace's statements stand in files, and which reasons beside them accept them."""

import re
from pathlib import Path

import pytest

from pgwire.trace.places import Place, TooLong, placed
from pgwire.trace.sources import Sources

SETTINGS = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}


def found(file: str, *texts: str) -> list[tuple[int, str]]:
    """Line, and what is accepted, of each text."""
    files = [("db/1.sql", file.encode())]
    return [(each.line, each.accepted) for each in placed([t.encode() for t in texts], files)]


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("a b;", "a b", 1),
        ("a b", "a b;", 1),
        ("x;\n\n-- why\n  a\n\tb ;", "a b", 4),
        ("x;\r\na -- why\r\n b;\r\n", "/* other */ a b", 2),
        ("x; a b;", "a b", 1),
        ("-- migrate:up\na b;\n-- migrate:down\nc;", "a b", 2),
        ("\\set it's on\na b;", "a b", 2),
        ("a 'b  c' ;", "a 'b c'", 1),
        ("a 'b';", "a 'c'", 0),
        ("a b c;", "a b", 0),
        ("a b;", "a  B", 0),
        ("create function f() begin atomic a; b; end;\na;", "a", 2),
        ("create function f() as $$\n a; b; $$;\na;", "a", 3),
        ("a 'never closed", "a", 0),
        ("é;\na 'ü';", "a 'ü'", 2),
        ("", "a", 0),
        ("a;", "", 0),
    ],
)
def test_a_text_is_found_whatever_white_space_and_comments_are_in_it(
    file: str, text: str, line: int
) -> None:
    assert found(file, text) == [(line, "")]


EQUAL = [("2.sql", b"a;\nb;\na;"), ("1.sql", b"-- c\na;")]


@pytest.mark.parametrize(
    ("is_once", "first"), [(False, [("2.sql", 1), ("2.sql", 2)]), (True, [("", 0), ("2.sql", 2)])]
)
def test_equal_texts_have_places_from_the_last_on(
    first: list[tuple[str, int]], *, is_once: bool
) -> None:
    """Those before are of files that are not there, or the first of them again."""
    places = placed([b"a", b"b", b"a", b"a", b"a"], EQUAL, is_once=is_once)

    lines = [*first, ("2.sql", 1), ("2.sql", 3), ("1.sql", 2)]
    assert places == [Place(file, line) for file, line in lines]


def test_each_text_is_read_once_and_not_when_it_is_late() -> None:
    asked = iter([False] * 2 + [True])

    placed([b"a"] * 100, EQUAL[1:], is_late=lambda: next(asked))

    with pytest.raises(TooLong):
        placed([b"a", b"b"], EQUAL, is_late=lambda: True)


@pytest.mark.parametrize(
    ("other", "place"),
    [
        ("a b;", Place("2.sql", 1)),
        ("-- coppice: ok large\na b;", Place("2.sql", 2, "large")),
        ("a c;", Place("1.sql", 2, "small")),
    ],
)
def test_of_equal_texts_none_is_accepted_unless_all_are(other: str, place: Place) -> None:
    files = [("1.sql", b"-- coppice: ok small\na b;"), ("2.sql", other.encode())]

    assert placed([b"a b"], files) == [place]


@pytest.mark.parametrize(
    ("file", "accepted"),
    [
        ("-- coppice: ok it is  small\na b;", "it is small"),
        ("x;\n-- coppice: ok small\n-- more\n  a b;", "small"),
        ("a -- Coppice: OK small\r\n b;", "small"),
        ("a b; -- coppice: ok small\nc;", "small"),
        ("a b -- coppice: ok small", "small"),
        ("a b /* -- coppice: ok small */;", ""),
        ("a b; -- coppice: ok\nc;", ""),
        ("--coppice:ok small\na b;", "small"),
        ("-- coppice: okay small\na b;", ""),
        ("-- coppice: not ok small\na b;", ""),
        ("-- coppice: ok small\n\na b;", ""),
        ("x; -- coppice: ok small\na b;", ""),
        ("x -- coppice: ok small\n;\na b;", ""),
        ("a b;\n-- coppice: ok small\nx;", ""),
        ("a b; x; -- coppice: ok small", ""),
        ("-- coppice: ok " + "s" * 600 + "\na b;", "s" * 600),
    ],
)
def test_a_reason_beside_a_statement_accepts_that_one_alone(file: str, accepted: str) -> None:
    [(_, said)] = found(file, "a b")

    assert said == accepted


def test_what_stands_in_no_file_is_accepted_by_its_own_comments() -> None:
    """As a Query is cut: the comment in a statement's last line is not the next one's."""
    query = b"-- coppice: ok first\na b; -- coppice: ok not d\nc d;\n-- coppice: ok third\ne f"
    sources = Sources(dict(SETTINGS)).of_query(query)
    assert sources is not None

    places = placed([each.text for each in sources], [("other.sql", b"x")])

    assert [each.accepted for each in places] == ["first", "", "third"]
    assert not any(each.file for each in places)


def test_what_the_documents_say_accepts_a_statement() -> None:
    page = (Path(__file__).parents[3] / "docs/tracing.md").read_text()
    [script] = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    sent = b"ALTER TABLE old_orders ALTER COLUMN id TYPE bigint"

    [place] = placed([sent], [("db/1.sql", script.encode())])

    assert (place.line, place.accepted) == (2, "the table is archived, nobody reads it")
