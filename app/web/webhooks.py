"""Webhooks: verify, parse, store with the jobs it causes, answer; the work is done later."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import Counter

from app.core.errors import CoppiceError, Invalid, Unauthorized
from app.core.payloads import MalformedPayload, parse_event
from app.operations.intake import take_in
from app.operations.services import Services
from app.store.deliveries import Delivery
from app.web.bodies import read_body

webhooks = Blueprint("webhooks", __name__)

MAX_HEADER_LENGTH = 100


class WrongSignature(Unauthorized):
    """The request was not signed with a webhook secret of ours."""

    code = "wrong_signature"
    advice = "Set the same webhook secret in the GitHub App and in COPPICE_GITHUB_WEBHOOK_SECRETS."

    def __init__(self) -> None:
        super().__init__("X-Hub-Signature-256 is missing or does not match.")


class UnsupportedEncoding(CoppiceError):
    """A compressed body: a small one could unpack to anything."""

    code = "unsupported_encoding"
    http_status = 415
    advice = "Send the body as it is, without Content-Encoding."


@webhooks.post("/webhooks/github")
def receive() -> ResponseReturnValue:
    """Take in one delivery of GitHub's; 202 means that it is durably stored."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedEncoding("Compressed bodies are not accepted.")
    services: Services = current_app.extensions["services"]
    body = read_body()
    app = services.github_app.current()
    check_signature(
        body,
        request.headers.get("X-Hub-Signature-256", ""),
        secrets=[secret.encode() for secret in app.webhook_secrets] if app else (),
    )
    payload = parse_body(body)
    action = payload.get("action")
    delivery = Delivery(
        guid=_header("X-GitHub-Delivery"),
        event=_header("X-GitHub-Event"),
        action=action if isinstance(action, str) and _is_plain(action) else None,
    )
    outcome = take_in(services.store.deliveries, delivery, parse_event(delivery.event, payload))
    DELIVERIES.labels(outcome=outcome).inc()
    return {"delivery": delivery.guid, "outcome": outcome}, 202


def check_signature(body: bytes, signature: str, *, secrets: Sequence[bytes]) -> None:
    """Raise WrongSignature unless one of the secrets signed exactly these bytes.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    # As bytes: compare_digest refuses text that is not ASCII, and headers may hold anything.
    given = signature.encode("latin-1", "replace")
    expected = [
        b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
        for secret in secrets
    ]
    # Every secret is tried, so that the time does not tell which one is in use.
    if not any([hmac.compare_digest(given, one) for one in expected]):
        raise WrongSignature


def parse_body(body: bytes) -> Mapping[str, Any]:
    """The JSON object in a signed body. Raises MalformedPayload for everything else."""
    try:
        payload = json.loads(
            body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_without_duplicates
        )
    except (ValueError, RecursionError) as error:
        raise MalformedPayload("The body is not JSON text in UTF-8.") from error
    if not isinstance(payload, dict):
        raise MalformedPayload("The body is not a JSON object.")
    return payload


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """GitHub never names a key twice; which of the two counts would be the parser's choice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _header(name: str) -> str:
    value = request.headers.get(name, "")
    if not value or not _is_plain(value):
        raise Invalid(f"The header {name} is missing or no plain text.")
    return value


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and len(text) <= MAX_HEADER_LENGTH


DELIVERIES = Counter(
    "coppice_deliveries_total", "Webhook deliveries taken in, by what they caused.", ["outcome"]
)
