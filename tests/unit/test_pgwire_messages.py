import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgwire import messages
from pgwire.messages import BrokenProtocol, Message

columns = st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=20), max_size=5)


def data_row(values: list[str | None]) -> Message:
    body = struct.pack("!h", len(values))
    for value in values:
        raw = None if value is None else value.encode()
        body += struct.pack("!i", -1) if raw is None else struct.pack("!i", len(raw)) + raw
    return Message(kind=b"D", body=body)


@given(columns)
def test_a_row_is_read_as_it_was_sent(values: list[str | None]) -> None:
    assert messages.row(data_row(values)) == values


@given(st.binary(max_size=40))
def test_any_body_is_a_row_or_a_broken_protocol(body: bytes) -> None:
    try:
        messages.row(Message(kind=b"D", body=body))
    except BrokenProtocol:
        return


@pytest.mark.parametrize("length", [0, 3, -1, 2**31 - 1])
def test_an_absurd_length_is_refused(length: int) -> None:
    with pytest.raises(BrokenProtocol):
        messages.body_length(b"R" + struct.pack("!i", length))


def test_a_startup_message_counts_itself() -> None:
    message = messages.startup({"user": "u", "database": "d"})

    assert struct.unpack("!ii", message[:8]) == (len(message), 196608)
    assert message[8:] == b"user\0u\0database\0d\0\0"


def test_an_error_has_its_code_and_message() -> None:
    body = b"SFATAL\0C28P01\0Mno\xff\0\0"

    fields = messages.error_fields(Message(kind=b"E", body=body))

    assert (fields["C"], fields["M"]) == ("28P01", "no\ufffd")


def test_a_short_authentication_request_is_refused() -> None:
    with pytest.raises(BrokenProtocol):
        messages.authentication(Message(kind=b"R", body=b"\0"))
