"""Which values stay in the text of a statement."""

import pytest

from pgwire.trace.cutting import MOST_READ_BYTES, without_values


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("INSERT INTO t VALUES (1, 'it''s', E'\\'', $$x$$, 1.5e3)", None),
        ("select set_config('a', 'secret', false)", "select set_config(?, ?, false)"),
        ("SET a.b = 'secret'", "SET a.b = ?"),
        ("UPDATE t SET a = $1 -- secret\nWHERE b = 2", "UPDATE t SET a = $1 \nWHERE b = ?"),
        ("/* secret */ DELETE FROM t WHERE a = 'x' ; ", "DELETE FROM t WHERE a = ?"),
        ("ALTER TABLE t ADD a text DEFAULT 'x'", "ALTER TABLE t ADD a text DEFAULT 'x'"),
        ("-- 1\nCREATE TABLE t (a varchar(5) /* secret */) -- secret",
         "CREATE TABLE t (a varchar(5) )"),
        ("CREATE ROLE r LOGIN PASSWORD 'secret' VALID UNTIL '2030-01-01'",
         "CREATE ROLE r LOGIN PASSWORD ? VALID UNTIL '2030-01-01'"),
        ("alter role r password $x$secret$x$", "alter role r password ?"),
        ("CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'bob', password 'secret')",
         "CREATE USER MAPPING FOR u SERVER s OPTIONS (user ?, password ?)"),
        ("CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h')",
         "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host ?)"),
        ("CREATE SUBSCRIPTION s CONNECTION 'host=h password=secret' PUBLICATION p",
         "CREATE SUBSCRIPTION s CONNECTION ? PUBLICATION p"),
        ("ALTER SYSTEM SET primary_conninfo = 'secret'", "ALTER SYSTEM SET primary_conninfo = ?"),
        ("DO $$ BEGIN CREATE ROLE r PASSWORD 'secret'; ALTER TABLE t ADD a int DEFAULT 3; END $$",
         "DO $$ BEGIN CREATE ROLE r PASSWORD ?; ALTER TABLE t ADD a int DEFAULT ?; END $$"),
        ("DO $$ BEGIN INSERT INTO t VALUES ('secret $$", "DO $$ BEGIN INSERT INTO t VALUES (?"),
        ("CREATE FUNCTION f() RETURNS void AS $$ ALTER ROLE r PASSWORD 'secret' $$ LANGUAGE sql",
         "CREATE FUNCTION f() RETURNS void AS $$ ALTER ROLE r PASSWORD ? $$ LANGUAGE sql"),
        ("CREATE VIEW v AS SELECT * FROM dblink('host=h password=secret', 'SELECT 1') AS t(a int)",
         "CREATE VIEW v AS SELECT * FROM dblink('host=h password=?', 'SELECT 1') AS t(a int)"),
        ("CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT g(password => 'secret'),"
         " h('password = ''a secret'' host=h'), h('postgres://u:secret@h/d') $$",
         "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT g(password => ?),"
         " h('password = ? host=h'), h('postgres://u:?@h/d') $$"),
        ("ALTER DATABASE d SET app.jwt_secre = 'secret'", "ALTER DATABASE d SET app.jwt_secre = ?"),
        ("ALTER ROLE r IN DATABASE d SET a.b TO 'secret', 1",
         "ALTER ROLE r IN DATABASE d SET a.b TO ?, ?"),
        ("ALTER FUNCTION f SET a.b TO 'secret'", "ALTER FUNCTION f SET a.b TO ?"),
        ("ALTER TABLE t ALTER a SET DEFAULT 'x'", "ALTER TABLE t ALTER a SET DEFAULT 'x'"),
        ("INSERT INTO t VALUES ('never closed secret", "INSERT INTO t VALUES (?"),
    ],
)  # fmt: skip
def test_values_are_cut_out(text: str, told: str | None) -> None:
    head = next(word for word in text.split() if word.isalpha()).upper()
    head = "DELETE" if head == "SECRET" else head

    found = without_values(text.encode(), head=head)

    assert found == ("INSERT INTO t VALUES (?, ?, ?, ?, ?)" if told is None else told)
    assert "secret" not in found


def test_of_a_long_text_the_beginning_is_told() -> None:
    text = b"INSERT INTO t VALUES (" + b"1, " * 100_000 + b"1)"

    assert len(without_values(text, head="INSERT")) == MOST_READ_BYTES
