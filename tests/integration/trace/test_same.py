"""Through the proxy, all answers are the same as without it, message by message."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgwire.client import Target
from pgwire.trace.journal import NOT_CUT
from tests.integration.trace import talking
from tests.integration.trace.conftest import Traced
from tests.integration.trace.scripts import BEFORE, SCRIPTS
from tests.integration.trace.talking import Heard, Talk

Owner = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def owner(shared: Traced) -> Iterator[Owner]:
    """A session that prepares the database, and looks into it."""
    with shared.direct() as connection:
        connection.execute("SET client_min_messages = warning")
        yield connection


_END = "select 'this is the end'"
_ABORTED = b"25P02"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_has_the_same_answers(shared: Traced, owner: Owner, script: str) -> None:
    flights = [talking.query(script)]

    assert _answers(shared.through, flights, owner) == _answers(shared.target, flights, owner)


_STATEMENTS = st.sampled_from(
    [
        *(script for script in SCRIPTS if ";" not in script),
        *("begin", "commit", "savepoint s", "rollback to s", "commit and chain", "execute p"),
        *("insert into k values (1)", "insert into k values (2) returning a", "table k"),
        *("alter table k alter a type bigint", "truncate k", "create table z (a int)"),
        *("drop table if exists z", "declare d cursor for table k", "fetch all from d"),
        *("deallocate all", "prepare p as select 1", "lock table k in share mode"),
    ]
)
_QUERIES = st.lists(_STATEMENTS, min_size=1, max_size=4).map("; ".join).map(talking.query)


@st.composite
def _executions(draw: st.DrawFn) -> bytes:
    """A statement by the extended protocol, perhaps in several goes, or without its Sync."""
    name = draw(st.sampled_from(["", "n"]))
    said = [talking.close("n") if name else b"", talking.parse(draw(_STATEMENTS), name)]
    said += [talking.bind(name=name), draw(st.sampled_from([b"", talking.describe()]))]
    limits = st.lists(st.sampled_from([0, 1]), min_size=1, max_size=2)
    said += [talking.execute(limit) for limit in draw(limits)]
    return b"".join([*said, draw(st.sampled_from([b"", talking.FLUSH, talking.SYNC]))])


_FLIGHTS = (
    st.lists(_executions(), min_size=1, max_size=3)
    .map(b"".join)
    .map(lambda said: said + talking.SYNC)
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(flights=st.lists(_QUERIES | _FLIGHTS, min_size=1, max_size=3))
def test_any_flights_have_the_same_answers(
    shared: Traced, owner: Owner, flights: list[bytes]
) -> None:
    assert _answers(shared.through, flights, owner) == _answers(shared.target, flights, owner)


def test_nothing_of_that_made_the_trace_give_up(shared: Traced) -> None:
    with shared.proxied() as connection:
        connection.execute("select 1")

    assert {each.untraced for each in shared.report().connections} <= {None, NOT_CUT}


def _answers(target: Target, flights: list[bytes], owner: Owner) -> list[object]:
    """What is answered to each, and what is in the database afterwards."""
    owner.execute(BEFORE)
    with talking.talking(target) as talk:
        answers: list[object] = [_answer(talk, flight) for flight in flights]
    try:
        answers.append(owner.execute("SELECT array_agg(a ORDER BY a) FROM k").fetchone())
    except psycopg.Error as error:
        answers.append(error.sqlstate)
    return [*answers, *owner.execute(_RELATIONS).fetchall()]


_RELATIONS = """
SELECT relname::text, relkind::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace ORDER BY 1
"""


def _answer(talk: Talk, flight: bytes) -> list[Heard]:
    """All that is answered up to the answer to a statement behind it."""
    talk.say(flight, talking.query(_END))
    heard: list[Heard] = []
    while True:
        latest = talk.hear()
        heard += latest
        is_end = any(b"this is the end" in body for _, body in latest)
        is_aborted = latest[0][0] == b"E" and _ABORTED in latest[0][1]
        if is_end or is_aborted or latest[-1][0] == b"":
            return heard
