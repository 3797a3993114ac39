"""OIDC: every way to forge a token or to bend its claims that we know of."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm

from app.core.errors import Unauthorized
from app.github.oidc import OidcVerifier
from tests.integration.issuer import AUDIENCE, MISSING, Issuer, encoded, rsa_key, serving_issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving_issuer() as issuer:
        yield issuer


@pytest.fixture
def verifier(issuer: Issuer) -> OidcVerifier:
    return OidcVerifier(issuer.url, AUDIENCE + "/")


def refusal(verifier: OidcVerifier, token: str) -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        verifier.verify(token)
    assert token not in str(caught.value)
    return caught.value


def test_a_token_of_the_issuer_becomes_claims(issuer: Issuer, verifier: OidcVerifier) -> None:
    claims = verifier.verify(issuer.token(environment="production", head_ref="feature/x"))

    assert (claims.repository_id, claims.owner_id, claims.run_id) == (42, 7, 900)
    assert (claims.run_attempt, claims.job_id, claims.token_id) == (1, 5000, "0a1b")
    assert (claims.environment, claims.head_ref) == ("production", "feature/x")
    assert claims.expires_at.tzinfo is not None


@pytest.mark.parametrize("name", ["head_ref", "environment", "check_run_id"])
@pytest.mark.parametrize("value", [MISSING, None, ""])
def test_a_claim_that_not_every_job_has_may_be_missing(
    issuer: Issuer, verifier: OidcVerifier, name: str, value: object
) -> None:
    claims = verifier.verify(issuer.token(**{name: value}))

    assert not {"head_ref": claims.head_ref, "environment": claims.environment}.get(name)
    assert name != "check_run_id" or claims.job_id is None


@pytest.mark.parametrize(
    "subject",
    [
        "repo:octo/shop:ref:refs/heads/main",
        "repo:octo@7/shop@42:ref:refs/heads/main",
        "repo:octo/shop:environment:production",
        "repository_owner:octo:actor:ada",
    ],
)
def test_the_subject_may_have_any_shape(
    issuer: Issuer, verifier: OidcVerifier, subject: str
) -> None:
    assert verifier.verify(issuer.token(sub=subject)).repository_id == 42


@pytest.mark.parametrize(
    "audience",
    [
        "https://github.com/octo",
        f"{AUDIENCE}/",
        f"{AUDIENCE}.evil.example",
        "",
        [AUDIENCE],
        ["https://github.com/octo", AUDIENCE],
        {"a": 1},
        42,
    ],
    ids=str,
)
def test_a_token_for_somebody_else_is_refused(
    issuer: Issuer, verifier: OidcVerifier, audience: object
) -> None:
    assert refusal(verifier, issuer.token(aud=audience)).code in ("wrong_audience", "invalid_token")


def test_a_wrong_audience_is_told_beside_the_right_one(
    issuer: Issuer, verifier: OidcVerifier
) -> None:
    error = refusal(verifier, issuer.token(aud="https://github.com/octo"))

    assert '"https://github.com/octo"' in str(error)
    assert f'"{AUDIENCE}"' in str(error)
    assert error.code == "wrong_audience"


@pytest.mark.parametrize("suffix", ["/evil-enterprise", "/", "x"])
def test_an_issuer_must_be_exact(issuer: Issuer, verifier: OidcVerifier, suffix: str) -> None:
    assert "issuer" in str(refusal(verifier, issuer.token(iss=issuer.url + suffix)))


def test_a_token_of_a_foreign_key_is_refused(issuer: Issuer, verifier: OidcVerifier) -> None:
    forged = jwt.encode(issuer.payload(), rsa_key("foreign"), "RS256", headers={"kid": "first"})

    assert "signature" in str(refusal(verifier, forged))


def test_a_public_key_is_no_shared_secret(issuer: Issuer, verifier: OidcVerifier) -> None:
    public = (
        issuer.keys["first"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    signed = f"{encoded({'alg': 'HS256', 'kid': 'first'})}.{encoded(issuer.payload())}"
    mac = hmac.new(public, signed.encode(), hashlib.sha256).digest()

    assert "RS256" in str(refusal(verifier, f"{signed}.{encoded(mac)}"))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS512", "PS256", "ES256", None, 1])
def test_only_one_algorithm_is_accepted(
    issuer: Issuer, verifier: OidcVerifier, algorithm: object
) -> None:
    header = encoded({"alg": algorithm, "kid": "first"})

    refusal(verifier, f"{header}.{encoded(issuer.payload())}.")


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MII"]},
        {"jwk": {"kty": "RSA"}},
        {"crit": ["b64"], "b64": True},
        {"crit": ["exp"]},
    ],
    ids=str,
)
def test_a_token_does_not_choose_its_key_or_rules(
    issuer: Issuer, verifier: OidcVerifier, header: dict[str, Any]
) -> None:
    refusal(verifier, issuer.token(headers=header))

    assert issuer.fetches == 0


@pytest.mark.parametrize(
    ("changes", "is_valid"),
    [
        ({"iat": -400, "exp": -20}, True),
        ({"iat": -400, "exp": -40}, False),
        ({"iat": 20, "nbf": 20}, True),
        ({"iat": 60}, False),
        ({"nbf": 60}, False),
        ({"iat": -10, "exp": 3580}, True),
        ({"iat": -10, "exp": 3600}, False),
        ({"iat": 20, "exp": 10}, False),
    ],
    ids=str,
)
def test_a_token_is_good_for_its_time_and_never_for_more_than_an_hour(
    issuer: Issuer, verifier: OidcVerifier, changes: dict[str, int], is_valid: bool
) -> None:
    now = int(time.time())
    token = issuer.token(**{name: now + offset for name, offset in changes.items()})

    if is_valid:
        verifier.verify(token)
    else:
        refusal(verifier, token)


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", [MISSING, None, "soon", True, 1.5, float("inf"), [1], {}])
def test_times_are_whole_seconds(
    issuer: Issuer, verifier: OidcVerifier, name: str, value: object
) -> None:
    header = {"alg": "RS256", "kid": "first"}
    signed = f"{encoded(header)}.{encoded(issuer.payload(**{name: value}))}".encode()
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(signed, issuer.keys["first"])

    refusal(verifier, f"{signed.decode()}.{encoded(signature)}")


NUMBERS = ["repository_id", "repository_owner_id", "run_id", "run_attempt", "check_run_id"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    "value",
    [42.0, True, "042", "42 ", " 42", "+42", "-42", "4_2", "٤٢", "0", "9" * 19, ["42"], {"a": 1}],
    ids=repr,
)
def test_an_id_is_text_in_the_one_form_that_github_writes(
    issuer: Issuer, verifier: OidcVerifier, name: str, value: object
) -> None:
    assert name in str(refusal(verifier, issuer.token(**{name: value})))


def test_the_id_of_the_job_may_be_a_number(issuer: Issuer, verifier: OidcVerifier) -> None:
    assert verifier.verify(issuer.token(check_run_id=5000)).job_id == 5000


REQUIRED = [
    *NUMBERS[:4],
    "repository",
    "event_name",
    "ref",
    "ref_type",
    "sha",
    "workflow_ref",
    "job_workflow_ref",
    "runner_environment",
    "actor",
    "sub",
    "jti",
    "aud",
    "iss",
]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_claim_that_decisions_rest_on_must_be_there(
    issuer: Issuer, verifier: OidcVerifier, name: str
) -> None:
    refusal(verifier, issuer.token(**{name: MISSING}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ref", None),
        ("ref", ["refs/heads/main"]),
        ("ref", "refs/heads/\ud800"),
        ("ref", "refs/heads/\x00"),
        ("ref", "refs/heads/" + "x" * 5000),
        ("head_ref", 5),
        ("sha", "main"),
        ("sha", "A" * 40),
        ("repository", "octo"),
        ("repository", "octo/shop/evil"),
        ("repository", "octo/shop\n"),
        ("actor", ""),
        ("sub", ""),
        ("environment", {"name": "production"}),
    ],
)
def test_a_malformed_claim_is_named(
    issuer: Issuer, verifier: OidcVerifier, name: str, value: object
) -> None:
    assert f"claim {name} " in str(refusal(verifier, issuer.token(**{name: value})))


def test_an_event_without_a_ref_is_left_to_the_decision(
    issuer: Issuer, verifier: OidcVerifier
) -> None:
    assert verifier.verify(issuer.token(event_name="deployment", ref="", ref_type="")).ref == ""


HUGE_NUMBER = b'{"alg": "RS256", "kid": ' + b"1" * 5000 + b"}"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "ü.ü.ü",
        "\ud800",
        "x" * 20_000,
        f"{encoded([1])}..",
        f"{encoded(b'[' * 9000)}..",
        f"{encoded({'alg': 'RS256'})}..",
        f"{encoded({'alg': 'RS256', 'kid': ''})}..",
        f"{encoded({'alg': 'RS256', 'kid': ['first']})}..",
        f"{encoded(HUGE_NUMBER)}..",
        f"{encoded({'alg': 'RS256', 'kid': 'first'})}.{encoded([1])}.",
    ],
)
def test_rubbish_is_refused_and_nothing_breaks(verifier: OidcVerifier, token: str) -> None:
    with pytest.raises(Unauthorized):
        verifier.verify(token)
