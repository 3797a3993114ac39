"""How a stream is cut into messages, however it arrives."""

from hypothesis import given
from hypothesis import strategies as st

from pgwire.messages import frame
from pgwire.trace.frames import Frames

_MESSAGES = st.lists(
    st.tuples(st.sampled_from([b"A", b"B"]), st.binary(max_size=9)), max_size=9
).map(lambda found: [frame(kind, body) for kind, body in found])


@given(messages=_MESSAGES, size=st.integers(1, 20))
def test_noticed_messages_are_handled_whole_and_in_their_place(
    messages: list[bytes], size: int
) -> None:
    stream = b"".join(messages)
    frames = Frames(frozenset(b"A"))
    handled = []

    def handle(kind: int, raw: bytes) -> bytes:
        handled.append((kind, raw))
        return b"<" + raw + b">"

    out = b"".join(
        frames.handled(stream[at : at + size], handle) for at in range(0, len(stream), size)
    )

    assert handled == [(ord("A"), each) for each in messages if each[:1] == b"A"]
    assert out == b"".join(b"<" + each + b">" if each[:1] == b"A" else each for each in messages)
    assert frames.rest() == b""


def test_a_long_message_goes_on_in_pieces_unless_it_is_noticed() -> None:
    frames = Frames(frozenset(b"A"))

    assert frames.handled(frame(b"B", b"x" * 100)[:50], lambda _, raw: raw) != b""
    assert frames.handled(b"x" * 55, lambda _, raw: raw) == b"x" * 55
    assert frames.handled(frame(b"A", b"x" * 100)[:50], lambda _, raw: raw) == b""


def test_what_is_no_stream_of_messages_goes_on_as_it_is() -> None:
    frames = Frames(frozenset(b"A"))

    assert frames.handled(b"B\0\0\0\1xyz", lambda _, raw: raw) == b"B\0\0\0\1xyz"
    assert frames.is_broken
