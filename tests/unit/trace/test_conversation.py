"""What is sent to whom, message by message; the clock stands still."""

from collections.abc import Callable
from typing import Any

import pytest

from pgwire.messages import frame, query
from pgwire.trace import look
from pgwire.trace.conversation import Conversation, Puzzled
from pgwire.trace.journal import Journal
from pgwire.trace.kinds import kind_of_statement
from pgwire.trace.log import Log
from pgwire.trace.relations import Relations
from pgwire.trace.sources import Sources, source_of

READY = frame(b"Z", b"I")
LOOKED = b"".join(
    frame(kind.encode(), body)
    for kind, body in [
        ("3", b""),
        ("1", b""),
        ("2", b""),
        ("D", b"\0\5" + b"\xff" * 12 + b"\0\0\0\19\0\0\0\15"),
        ("C", b"SELECT 1\0"),
        ("3", b""),
        ("3", b""),
    ]
)
LOOKS = look.Looks()
LOOK = LOOKS.once.messages + look.FLUSH
LOOKED_IN_QUERY = frame(b"T", b"\0\0") + LOOKED[15:-10]
DDL = "alter table t add a int"


def done(tag: str = "ALTER TABLE") -> bytes:
    return frame(b"C", tag.encode() + b"\0")


def error(**fields: str) -> bytes:
    told = [f"{name}{value}".encode() + b"\0" for name, value in fields.items()]
    return frame(b"E", b"".join(told) + b"\0")


def extended(text: str) -> bytes:
    return (
        frame(b"P", b"\0" + text.encode() + b"\0\0\0")
        + frame(b"B", b"\0\0\0\0\0\0\0\0")
        + frame(b"E", b"\0\0\0\0\0")
    )


SYNC = frame(b"S", b"")
BOUND = frame(b"1", b"") + frame(b"2", b"")


@pytest.fixture
def conversation() -> Conversation:
    settings = {"client_encoding": "UTF8", "standard_conforming_strings": "on"}
    habit = look.Habit(LOOKS, process_id=0)
    journal = Journal(Log(Relations([])))
    return Conversation(journal, Sources(settings), habit, clock=lambda: 0.0)


def test_a_statement_of_its_own_goes_as_an_extended_one_with_a_look(
    conversation: Conversation,
) -> None:
    sent = conversation.from_client(query(DDL))
    heard = conversation.from_server(BOUND + frame(b"n", b"") + done() + LOOKED + READY)

    assert sent == look.converted(DDL.encode(), LOOKS.once, ends_transaction=True)
    assert heard == done() + READY


def test_its_end_is_not_told_before_its_transaction_has_ended(conversation: Conversation) -> None:
    conversation.from_client(query(DDL))
    heard = [conversation.from_server(BOUND + done()), conversation.from_server(LOOKED)]
    failure = error(C="23503")

    assert b"".join(heard) == b""
    assert conversation.from_server(failure + READY) == failure + READY


def test_statements_of_one_query_stay_one(conversation: Conversation) -> None:
    sent = conversation.from_client(query(f"begin; {DDL}; commit"))
    heard = conversation.from_server(
        done("BEGIN") + done() + LOOKED_IN_QUERY + done("COMMIT") + READY
    )

    assert sent == query(f"begin; {DDL};{LOOKS.in_query.decode()} commit")
    assert heard == done("BEGIN") + done() + done("COMMIT") + READY


def test_positions_of_errors_are_moved_back(conversation: Conversation) -> None:
    conversation.from_client(query(f"{DDL}; selec"))
    position = len(DDL) + 3

    heard = conversation.from_server(
        error(C="42601", P=str(position + len(LOOKS.in_query))) + READY
    )

    assert heard == error(C="42601", P=str(position)) + READY


@pytest.mark.parametrize("text", ["begin", "vacuum t", "copy t from stdin", "select $1", "x'", ""])
def test_what_gets_no_look_goes_as_it_is(conversation: Conversation, text: str) -> None:
    assert conversation.from_client(query(text)) == query(text)


@pytest.mark.parametrize(
    ("name", "value"), [("client_encoding", "SJIS"), ("standard_conforming_strings", "off")]
)
def test_a_text_that_may_be_misread_goes_as_it_is(
    conversation: Conversation, name: str, value: str
) -> None:
    told = frame(b"S", f"{name}\0{value}\0".encode())

    assert conversation.from_server(told) == told
    assert conversation.from_client(query(DDL)) == query(DDL)


def test_a_setting_that_is_asked_for_makes_what_follows_doubtful(
    conversation: Conversation,
) -> None:
    name = "standard_conforming_strings"
    for asked in (f"show {name}", f"set {name} = on", f"set {name} to off; {DDL}", DDL):
        sent = conversation.from_client(query(asked))
        assert (sent == query(asked)) == (asked != f"set {name} to off; {DDL}")

    conversation.from_server(frame(b"S", f"{name}\0on\0".encode()))

    assert conversation.from_client(query(DDL)) != query(DDL)


def test_a_look_follows_an_execution(conversation: Conversation) -> None:
    sent = conversation.from_client(extended(DDL) + SYNC)
    heard = conversation.from_server(BOUND + done() + LOOKED + READY)

    assert sent == extended(DDL) + LOOK + SYNC
    assert heard == BOUND + done() + READY


def test_looks_that_an_error_skips_are_not_waited_for(conversation: Conversation) -> None:
    conversation.from_client(extended(DDL) + extended(DDL) + SYNC + extended("select 1") + SYNC)
    failure = error(C="42P01")

    heard = conversation.from_server(failure + READY + BOUND + done("SELECT 0") + LOOKED + READY)

    assert heard == failure + READY + BOUND + done("SELECT 0") + READY


def test_rows_in_the_same_words_are_looked_at_once(conversation: Conversation) -> None:
    text = "insert into t values ($1)"
    first = conversation.from_client(extended(text))
    later = conversation.from_client(extended(text) + SYNC)

    assert first == extended(text) + LOOK
    assert later == extended(text) + SYNC


COPY = "copy t from stdin"
COPY_IN, COPY_DONE = frame(b"G", b"\0\0\0"), frame(b"c", b"")


@pytest.mark.parametrize("is_waiting", [True, False])
def test_a_sync_before_the_end_of_copied_rows_is_not_answered(
    conversation: Conversation, *, is_waiting: bool
) -> None:
    rows = frame(b"d", b"1\n") + COPY_DONE + SYNC
    said = [extended(COPY) + SYNC, rows]
    if is_waiting:
        conversation.from_client(said[0])
        conversation.from_server(BOUND + COPY_IN)
        conversation.from_client(said[1])
    else:
        conversation.from_client(b"".join(said))
        conversation.from_server(BOUND + COPY_IN)
    conversation.from_client(extended(DDL) + SYNC)

    heard = conversation.from_server(done("COPY 1") + READY + BOUND + done() + LOOKED + READY)

    assert heard == done("COPY 1") + READY + BOUND + done() + READY


def test_what_comes_at_any_time_comes_through_a_look(conversation: Conversation) -> None:
    conversation.from_client(extended(DDL) + SYNC)
    notice = frame(b"N", b"SNOTICE\0\0")

    heard = conversation.from_server(BOUND + done() + LOOKED[:10] + notice + LOOKED[10:] + READY)

    assert heard == BOUND + done() + notice + READY


@pytest.mark.parametrize("size", [1, 3, 7])
def test_messages_may_come_in_any_pieces(conversation: Conversation, size: int) -> None:
    def piecewise(data: bytes, take: Callable[[bytes], bytes]) -> bytes:
        return b"".join(take(data[at : at + size]) for at in range(0, len(data), size))

    sent = piecewise(query(DDL) + extended(DDL) + SYNC, conversation.from_client)
    heard = piecewise(
        BOUND + done() + LOOKED + READY + BOUND + done() + LOOKED + READY, conversation.from_server
    )

    assert (
        sent
        == look.converted(DDL.encode(), LOOKS.once, ends_transaction=True)
        + extended(DDL)
        + LOOK
        + SYNC
    )
    assert heard == done() + READY + BOUND + done() + READY


def test_after_a_fault_the_looks_under_way_are_kept_and_no_more_are_sent(
    conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    conversation.from_client(extended(DDL))
    monkeypatch.setattr(Journal, "sent", fail)

    assert conversation.from_client(extended(DDL) + SYNC) == extended(DDL) + SYNC
    answer = BOUND + done() + LOOKED + BOUND + done() + READY
    assert conversation.from_server(answer) == (BOUND + done()) * 2 + READY
    assert conversation.from_client(query(DDL)) == query(DDL)
    assert conversation.from_server(done() + READY) == done() + READY
    assert conversation.untraced == "a fault of the trace itself (ZeroDivisionError)"


def test_a_query_within_an_extended_flight_ends_the_trace(conversation: Conversation) -> None:
    said = extended(DDL)[:-10] + query(DDL)

    assert conversation.from_client(said) == said
    assert conversation.untraced


def test_an_answer_that_was_not_asked_for_is_not_taken_for_a_look(
    conversation: Conversation,
) -> None:
    conversation.from_client(extended(DDL) + SYNC)

    with pytest.raises(Puzzled):
        conversation.from_server(BOUND + done() + READY)


@pytest.mark.parametrize("is_traced", [True, False])
def test_what_ends_with_its_connection_is_rolled_back_unless_that_went_on_unseen(
    *, is_traced: bool
) -> None:
    journal = Journal(Log(Relations([])))
    record, _ = journal.sent(source_of(DDL.encode(), kind_of_statement(DDL.encode())), 0.0)
    journal.ended(record, "ALTER TABLE", 1.0)

    journal.closed(2.0, is_traced=is_traced)

    assert record.is_rolled_back == is_traced
    assert record.held_ms == 2000.0
