"""Signing keys: few fetches whoever asks, and no outage of ours for one of the issuer's."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.core.errors import TransientError
from app.github.oidc import OidcVerifier
from app.github.signing_keys import SigningKeys
from tests.integration.issuer import AUDIENCE, Issuer, encoded, rsa_key, serving_issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving_issuer() as issuer:
        yield issuer


@pytest.fixture
def verifier(issuer: Issuer) -> OidcVerifier:
    return OidcVerifier(issuer.url, AUDIENCE + "/")


def test_invented_key_ids_cause_at_most_one_fetch(issuer: Issuer, verifier: OidcVerifier) -> None:
    for number in range(20):
        with pytest.raises(TransientError):
            verifier.verify(issuer.token(headers={"kid": f"invented-{number}"}))

    assert issuer.fetches == 1


def test_one_fetch_serves_many_threads(issuer: Issuer, verifier: OidcVerifier) -> None:
    token = issuer.token()
    threads = [threading.Thread(target=verifier.verify, args=[token]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert issuer.fetches == 1


def test_keys_that_were_read_serve_while_the_key_server_is_down(
    issuer: Issuer, verifier: OidcVerifier
) -> None:
    verifier.verify(issuer.token())
    issuer.status = 503

    assert verifier.verify(issuer.token()).repository_id == 42


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (302, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [{"kty": "RSA"}]}'),
        (200, b"\xff"),
        (200, b"[" * 100_000),
    ],
)
def test_a_key_server_that_is_broken_from_the_start_means_later(
    issuer: Issuer, verifier: OidcVerifier, status: int, body: bytes
) -> None:
    issuer.status, issuer.body = status, body

    with pytest.raises(TransientError) as caught:
        verifier.verify(issuer.token())

    assert caught.value.http_status == 503


def test_a_key_server_that_is_not_there_means_later() -> None:
    verifier = OidcVerifier("http://127.0.0.1:9", AUDIENCE)
    unsigned = f"{encoded({'alg': 'RS256', 'kid': 'first'})}.{encoded({})}."

    with pytest.raises(TransientError):
        verifier.verify(unsigned)


@dataclass
class Clock:
    """Seconds that pass when told to."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(issuer: Issuer, clock: Clock) -> SigningKeys:
    return SigningKeys(f"{issuer.url}/.well-known/jwks", clock_seconds=clock)


def test_a_new_key_is_found_after_a_minute(issuer: Issuer, keys: SigningKeys, clock: Clock) -> None:
    keys.find("first")
    issuer.keys["second"] = rsa_key("second")

    with pytest.raises(TransientError):
        keys.find("second")
    clock.seconds += 60

    assert keys.find("second").key_id == "second"


def test_a_withdrawn_key_is_forgotten_after_five_minutes(
    issuer: Issuer, keys: SigningKeys, clock: Clock
) -> None:
    keys.find("first")
    issuer.keys = {"second": rsa_key("second")}

    clock.seconds += 299
    keys.find("first")
    clock.seconds += 1

    with pytest.raises(TransientError):
        keys.find("first")


def test_an_outage_is_bridged_for_an_hour_with_few_attempts(
    issuer: Issuer, keys: SigningKeys, clock: Clock
) -> None:
    keys.find("first")
    issuer.status = 500

    clock.seconds += 3599
    for _ in range(10):
        assert keys.find("first").key_id == "first"
    assert issuer.fetches == 2
    clock.seconds += 1

    with pytest.raises(TransientError):
        keys.find("first")


def test_keys_are_asked_for_again_soon_after_a_failure(
    issuer: Issuer, keys: SigningKeys, clock: Clock
) -> None:
    issuer.status = 500
    for _ in range(10):
        with pytest.raises(TransientError):
            keys.find("first")
    assert issuer.fetches == 1

    issuer.status = 200
    clock.seconds += 5

    assert keys.find("first").key_id == "first"
