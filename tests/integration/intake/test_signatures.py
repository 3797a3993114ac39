"""Only what GitHub signed with a secret of ours comes in."""

import hashlib
import hmac

import pytest
from flask.testing import FlaskClient

from tests.integration.intake.deliveries import (
    SECOND_SECRET,
    SECRET,
    Stored,
    encoded,
    headers,
    signature,
)

PATH = "/webhooks/github"
BODY = encoded()
RIGHT = signature(BODY)
SHA1 = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()

WRONG = {
    "none": None,
    "empty": "",
    "of another secret": signature(BODY, "another"),
    "of another body": signature(BODY + b" "),
    "sha1 only": SHA1,
    "upper case": "sha256=" + RIGHT.removeprefix("sha256=").upper(),
    "without its prefix": RIGHT.removeprefix("sha256="),
    "cut": RIGHT[:-1],
    "with more": RIGHT + "0",
    "with a space": f" {RIGHT} x",
    "not ASCII": "sha256=\u00e9\u00e9",
    "two in one header": f"{RIGHT}, {RIGHT}",
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_signature_is_refused_and_leaves_nothing(
    given: str | None, client: FlaskClient, stored: Stored
) -> None:
    sent = headers(BODY)
    del sent["X-Hub-Signature-256"]
    if given is not None:
        sent["X-Hub-Signature-256"] = given

    answer = client.post(PATH, data=BODY, headers=sent)

    assert answer.status_code == 401
    assert answer.json
    assert answer.json["error"] == "wrong_signature"
    assert stored.outcomes() == {}


def test_an_older_kind_of_signature_does_not_help(client: FlaskClient, stored: Stored) -> None:
    sent = headers(BODY, secret="another") | {"X-Hub-Signature": SHA1}

    answer = client.post(PATH, data=BODY, headers=sent)

    assert answer.status_code == 401
    assert stored.outcomes() == {}


def test_two_signature_headers_are_refused(client: FlaskClient, stored: Stored) -> None:
    sent = [*headers(BODY).items(), ("X-Hub-Signature-256", signature(BODY, "another"))]

    answer = client.post(PATH, data=BODY, headers=sent)

    assert answer.status_code == 401
    assert stored.outcomes() == {}


@pytest.mark.parametrize("secret", [SECRET, SECOND_SECRET])
def test_both_secrets_are_good_while_one_replaces_the_other(
    secret: str, client: FlaskClient
) -> None:
    answer = client.post(PATH, data=BODY, headers=headers(BODY, secret=secret))

    assert answer.status_code == 202


def test_a_wrong_signature_is_refused_before_the_body_is_looked_at(client: FlaskClient) -> None:
    body = b"[" * 200_000

    answer = client.post(PATH, data=body, headers=headers(body, secret="another"))

    assert answer.status_code == 401
