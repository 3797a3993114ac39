"""Held against the example of RFC 7677, section 3."""

import base64

import pytest

from pgwire.scram import Exchange, ScramFailed, Verifier, prepared

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


# --- the server's side ---------------------------------------------------------------------------


def logged_in(password: str, *, header: bytes = b"n,,") -> None:
    """A client of ours at a verifier of ours."""
    verifier = Verifier(password="pencil", salt=b"salt", iterations=2)
    exchange = Exchange(password=password, nonce=NONCE)
    client_first = header + exchange.first()[3:]
    server_first = verifier.challenge(client_first, nonce="server")
    client_final = exchange.final(server_first)

    exchange.verify(verifier.proof(client_first, server_first, client_final))
    exchange.close()


def test_both_sides_prove_that_they_know_the_password() -> None:
    logged_in("pencil")


def test_a_client_that_does_not_know_the_password_is_refused() -> None:
    with pytest.raises(ScramFailed, match="does not know the password"):
        logged_in("pen")


@pytest.mark.parametrize("header", [b"p=tls-server-end-point,,", b"y,,"])
def test_a_client_that_binds_to_another_channel_is_refused(header: bytes) -> None:
    with pytest.raises(ScramFailed):
        logged_in("pencil", header=header)


@pytest.mark.parametrize("final", [b"", b"c=biws,r=other,p=AAAA", b"c=biws,r=xserver,p=!", b"\xff"])
def test_a_malformed_proof_is_refused(final: bytes) -> None:
    verifier = Verifier(password="pencil", salt=b"salt", iterations=2)

    with pytest.raises(ScramFailed):
        verifier.proof(b"n,,n=,r=x", verifier.challenge(b"n,,n=,r=x", nonce="server"), final)


def test_the_rfcs_example_comes_out_of_a_verifier_too() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    verifier = Verifier(password="pencil", salt=salt)
    client_first = f"n,,n=user,r={NONCE}".encode()
    nonce = f"{NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    final = f"c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=".encode()

    challenge = verifier.challenge(client_first, nonce="%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")

    assert challenge == SERVER_FIRST
    assert verifier.proof(client_first, challenge, final) == SERVER_FINAL
