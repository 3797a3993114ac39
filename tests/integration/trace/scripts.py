"""Scripts that are awkward for whoever stands between a client and its server.

Before each there are a table `k`, a table `c` whose foreign key is checked at commit, and a
procedure `p1` that commits.
"""

BEFORE = """
DROP SCHEMA public CASCADE; CREATE SCHEMA public;
CREATE TABLE k (a int);
CREATE TABLE parent (a int PRIMARY KEY);
CREATE TABLE c (a int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE PROCEDURE p1() LANGUAGE plpgsql AS $$
BEGIN INSERT INTO k VALUES (1); COMMIT; INSERT INTO k VALUES (2); ROLLBACK; END $$;
"""

SCRIPTS = [
    "insert into k values(1); insert into k values(2)",
    "insert into k values(1); select 1/0",
    "insert into k values(1); begin; insert into k values(2); rollback",
    "insert into k values(1); begin; insert into k values(2); commit; select 1/0",
    "begin; insert into k values(1); select 1/0; insert into k values(3)",
    "begin; insert into k values(1)",
    "insert into k values(1); commit; insert into k values(2); select 1/0",
    "insert into k values(1); selec 2",
    "select 1; select nope from k",
    "create table z(a int); create index concurrently zi on z(a)",
    "create index concurrently ki on k(a)",
    "vacuum k",
    "vacuum k; select 1",
    "begin; vacuum k",
    "set local lock_timeout='1s'; select 1",
    "create function f() returns int begin atomic select 1; select 2; end; select f()",
    "do $$ begin insert into k values(7); commit; insert into k values(8); end $$",
    "select 1; do $$ begin insert into k values(7); commit; end $$",
    "savepoint a",
    "begin; savepoint a; insert into k values(1); select 1/0",
    "rollback",
    "commit; select 2",
    "",
    "; ;",
    "-- c\nselect 1 -- d",
    "select $1",
    "lock table k",
    "declare c cursor for select 1",
    "begin; declare c cursor for select generate_series(1,3); fetch 2 from c; commit",
    "prepare p as select 1; execute p; deallocate p",
    "listen x; notify x",
    "select 'é', 1/0",
    "/* é */ select 'é' from nope",
    "set transaction isolation level serializable; select 1",
    "begin; set transaction isolation level serializable; insert into k values(1); commit",
    "alter type mood2 add value 'x'; select 'x'::mood2",
    "create type mood2 as enum('a'); alter type mood2 add value 'b'; select 'b'::mood2",
    "discard all",
    "explain (analyze off) select 1",
    "savepoint q; select 1",
    "select pg_sleep(0.01); show lock_timeout",
    "insert into k values (1) returning a; table k",
    "create database zz",
    "begin isolation level repeatable read; select 1; insert into k values(4); commit and chain;"
    " insert into k values(5); rollback",
    "call p1()",
    "select 1; call p1()",
    # What an earlier form, which sent each statement of a Query for itself, did in another way.
    "insert into k values(1); commit; selec 2",
    "begin; insert into k values(1); commit; selec 2",
    "lock table k; insert into k values(1)",
    "declare c binary cursor for select 258; fetch c",
    "do $$ begin insert into k values(7); commit; end $$; select 1",
    "call p1(); select 1",
    "set local lock_timeout='1s'",
    "select $1; select 1",
    # What is said when a transaction ends, and what is said of rows that never come.
    "insert into c values (1)",
    "insert into c values (1); insert into k values (1)",
    "insert into k values (1); insert into c values (1)",
    "begin; insert into c values (1); commit; select 1",
    "insert into k values (0) returning 1/a",
    "select 1/a from (values (1), (0)) as v(a)",
    "with x as (insert into k values (0) returning a) select 1/a from x",
    "select set_config('application_name', 'x', false)",
    "listen x; notify x; select 1",
    "listen x; select pg_notify('x', 'y')",
    "do $$ begin raise notice 'n'; raise warning 'w'; end $$; select 1",
    # Positions, behind looks and behind signs of several bytes.
    "alter table k add b int; select 'é'; alter table k add c int; select 'é', nope",
    "alter table k add b int; select 'é'; alter table k add c int -- é;\n; select 1 /* ; */; selec",
    # Where statements end.
    "select ';'; select $$;$$; select $x$;$$;$x$; select E'\\';'; select 1 as \"a;\"",
    "select 1 /* ; /* ; */ ; */; select 2 -- ; select 3\n; select 4 --",
    "create rule r as on insert to k do also (select 1; select 2); insert into k values (1)",
    "create function f() returns int begin atomic select case when true then 1 else 2 end;"
    " select 3; end; create table z (a int); select f()",
    "create function f() returns int begin atomic select 1 as end; select 2; end; select f()",
    "create function f() returns int language sql return 1; select f()",
    "select 'never closed; select 1",
    "select 1) ; select 2",
    "select (1; select 2",
    "select E'a'\n'\\';'; select 2",
    # What a look must not hold on to, and what its transaction must not have begun with.
    "begin isolation level repeatable read; lock table k; select 1; commit",
    "begin; truncate k; drop table k; rollback",
    "begin; alter table k add b int; rollback; alter table k add b int",
    "create index concurrently ki on k(a); create index concurrently kj on k(a)",
    "copy k to stdout",
    "create temp table t on commit drop as select 1; table t",
    "set statement_timeout = '1min'; set client_encoding = 'LATIN1'; select 'x'; select nope",
    "set standard_conforming_strings = off; select 'a\\';b'",
]
