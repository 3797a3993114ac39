"""Held against the example of RFC 7677, section 3."""

import base64

import pytest

from pgwire.scram import Exchange, ScramFailed, prepared

NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = (
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


class RfcExchange(Exchange):
    """As the RFC's client, which names its user; PostgreSQL's clients do not."""

    def __init__(self) -> None:
        super().__init__(password="pencil", nonce=NONCE)
        self._bare = f"n=user,r={NONCE}"


def test_the_rfcs_example_comes_out() -> None:
    exchange = RfcExchange()

    first = exchange.first()
    final = exchange.final(SERVER_FIRST)
    exchange.verify(SERVER_FINAL)
    exchange.close()

    assert first == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert final.endswith(b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"r=other,s=AAAA,i=4096",
        f"r={NONCE},s=AAAA,i=4096".encode(),
        f"r={NONCE}x,s=!,i=4096".encode(),
        f"r={NONCE}x,s=AAAA,i=0".encode(),
        f"r={NONCE}x,s=AAAA,i=999999999".encode(),
        f"r={NONCE}x,s=AAAA,i=many".encode(),
        b"\xff",
    ],
)
def test_a_wrong_challenge_is_refused(challenge: bytes) -> None:
    exchange = RfcExchange()
    exchange.first()

    with pytest.raises(ScramFailed):
        exchange.final(challenge)


@pytest.mark.parametrize("final", [b"", b"e=no", b"v=", b"v=" + base64.b64encode(b"x" * 32)])
def test_a_server_that_does_not_know_the_password_is_refused(final: bytes) -> None:
    exchange = RfcExchange()
    exchange.first()
    exchange.final(SERVER_FIRST)

    with pytest.raises(ScramFailed):
        exchange.verify(final)


def test_a_server_that_skips_its_proof_is_refused() -> None:
    exchange = RfcExchange()
    exchange.first()
    exchange.final(SERVER_FIRST)

    with pytest.raises(ScramFailed):
        exchange.close()


@pytest.mark.parametrize(
    ("password", "hashed"),
    [
        ("plain", "plain"),
        ("I\u00adX", "IX"),
        ("\u2168", "IX"),
        ("\u00aa", "a"),
        ("a\u3000b", "a b"),
        ("\u06271", "\u06271"),  # forbidden, and so taken as it is
        ("\u00ad", "\u00ad"),
    ],
)
def test_passwords_are_prepared_as_the_server_prepares_them(password: str, hashed: str) -> None:
    """The examples of RFC 4013, section 3."""
    assert prepared(password) == hashed.encode()
