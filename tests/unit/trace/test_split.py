"""Where the statements of a Query end, by psql's rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgwire.trace.split import Unbalanced, split, tokens


def parts(text: str) -> list[str]:
    return [text.encode()[part.start : part.end].decode() for part in split(text.encode()).parts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ; ;; -- nothing\n /* here */ ;", []),
        ("select 1", ["select 1"]),
        ("select 1;", ["select 1"]),
        ("select 1; select 2 ;", ["select 1", " select 2 "]),
        ("-- a;\nselect 1;-- b;\nselect 2", ["-- a;\nselect 1", "-- b;\nselect 2"]),
        ("select 1 -- a;\rselect 2; x", ["select 1 -- a;\rselect 2", " x"]),
        ("select /* ; /* ; */ ; */ 1; x", ["select /* ; /* ; */ ; */ 1", " x"]),
        ("select ';', 'a'';b'; x", ["select ';', 'a'';b'", " x"]),
        (r"select '\'; x", [r"select '\'", " x"]),
        (r"select E'\';', e'\\'; x", [r"select E'\';', e'\\'", " x"]),
        ("select E'a'\n  '\\';'; x", ["select E'a'\n  '\\';'", " x"]),
        ("select E'a' -- c'\n  '\\';'; x", ["select E'a' -- c'\n  '\\';'", " x"]),
        ("select E'a' '\\'; x", ["select E'a' '\\'", " x"]),
        (r"select U&'\0061;', B'1;', N';'; x", [r"select U&'\0061;', B'1;', N';'", " x"]),
        ('select 1 as "a;""b;"; x', ['select 1 as "a;""b;"', " x"]),
        ('select U&"d;" from "é;"; x', ['select U&"d;" from "é;"', " x"]),
        ("select $$;$a$;$$; x", ["select $$;$a$;$$", " x"]),
        ("select $a$;$$;$b$;$a$; x", ["select $a$;$$;$b$;$a$", " x"]),
        ("select $é_1$;$é_1$; x", ["select $é_1$;$é_1$", " x"]),
        ("select a$b$; x; y$b$", ["select a$b$", " x", " y$b$"]),
        ("select 1$a$;$a$; x", ["select 1$a$;$a$", " x"]),
        ("create rule r as on insert to k do (select 1; select 2); x", None),
        ("create function f() begin atomic select 1; select 2; end; x", None),
        (
            "create or replace procedure p() begin atomic select case 1 when 1 then 2 end; end; x",
            None,
        ),
        ("begin; select 1; end; x", ["begin", " select 1", " end", " x"]),
        ("create table t (a int); create index on t (a)", None),
        ("select a <-- c;\n b; x", ["select a <-- c;\n b", " x"]),
        ("select\u00a0;x", ["select\u00a0", "x"]),
    ],
)
def test_statements_end_where_they_do(text: str, expected: list[str] | None) -> None:
    if expected is None:
        first, _, last = text.rpartition(";")
        expected = [first, last]

    assert parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "select 'a; select 2",
        'select "a; select 2',
        "select $a$; select 2",
        "select /* /* */ ; select 2",
        "select (1; select 2",
        "select 1); select 2",
        r"select E'a\'; select 2",
        "create function f() begin atomic select 1; select 2",
        # The END of a body was taken too early: a label may be called so.
        "create function f() begin atomic select 1 as end; select 2; end; select 3",
    ],
)
def test_what_is_not_sure_is_not_split(text: str) -> None:
    with pytest.raises(Unbalanced):
        split(text.encode())


def test_words_are_those_outside_of_quotes() -> None:
    [part] = split(b"/* c */ Create \"x\" 'y' index -- z\n concurrently on a.b (c)").parts

    assert part.words == ("CREATE", "INDEX", "CONCURRENTLY", "ON", "A", "B", "C")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("select $1", True), ("select '$1', $$ $1 $$, a$1", False), ("select 1 /* $1 */", False)],
)
def test_a_parameter_is_found(text: str, *, expected: bool) -> None:
    assert split(text.encode()).has_parameter == expected


_PIECES = st.lists(
    st.sampled_from(
        [
            *("'", "''", "E'", "\\", '"', "$$", "$a$", "--", "\n", "/*", "*/", "(", ")", ";", "a"),
            *(" ", "begin", "end", "case", "create function ", "é", "1", "$1"),
        ]
    )
).map("".join)


@given(text=_PIECES)
def test_tokens_are_the_whole_text(text: str) -> None:
    raw = text.encode()
    try:
        found = list(tokens(raw))
    except Unbalanced:
        return

    assert b"".join(raw[start:end] for _, start, end in found) == raw


@given(text=_PIECES, other=_PIECES)
def test_what_is_split_stays_so_whatever_is_put_between(text: str, other: str) -> None:
    """A look is put behind a statement: nothing before it may be open, nothing after it change."""
    try:
        before, after = parts(text), parts(other)
    except Unbalanced:
        return

    both = parts(f"{text}\n;look\n;{other}")

    assert [each.strip() for each in both] == [each.strip() for each in [*before, "look", *after]]


@pytest.mark.parametrize(
    "text",
    [
        b"alter table t add column a numeric(10,2) default 1.5e3 , add b int ;",
        b"select a.b, c[1], f(g(1), (2)) from t where 10_000 <= x::int ; ",
        b"create or replace function f() returns int begin atomic select 1; end",
        b"select (1 ; select 2)",
        b"select )1(",
        b"update t set a = 12e2, b = 1.e5 ;;",
        b"a b c d e f g h i j k l m n",
        b" ;",
        b"",
    ],
)
def test_a_plain_text_is_read_as_any_other(text: bytes) -> None:
    """A comment before it makes it one that is read word by word."""

    def parts(script: bytes, shift: int) -> object:
        try:
            return [(part.end - shift, part.words) for part in split(script).parts]
        except Unbalanced:
            return None

    assert parts(text, 0) == parts(b"/**/" + text, 4)
