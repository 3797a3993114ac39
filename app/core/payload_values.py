"""Reading values out of webhook payloads: the type that GitHub promises, or no event at all."""

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid

Payload = Mapping[str, Any]
MAX_ID = 2**63 - 1
# The longest text that we keep is a ref; GitHub stops near 250 bytes, an index of ours near 2,700.
MAX_TEXT_BYTES = 1100


class MalformedPayload(Invalid):
    """A signed payload lacks what its event always carries, or has it with another type."""

    code = "malformed_payload"
    advice = "Check that the webhook's content type is application/json and that GitHub sent it."


def integer(payload: Payload, *path: str) -> int:
    """The id at a path. JSON's true and 1.0 are no ids, though Python takes True for 1."""
    value = at(payload, path)
    if type(value) is not int or not 0 < value <= MAX_ID:
        raise MalformedPayload(f"{'.'.join(path)} is no id.")
    return value


def text(payload: Payload, *path: str) -> str:
    """The text at a path; PostgreSQL takes neither NUL nor lone surrogates."""
    value = at(payload, path)
    if not isinstance(value, str) or "\0" in value or not _is_storable(value):
        raise MalformedPayload(f"{'.'.join(path)} is no text, or too long.")
    return value


def _is_storable(value: str) -> bool:
    if any("\ud800" <= character <= "\udfff" for character in value):
        return False
    return len(value.encode("utf-8")) <= MAX_TEXT_BYTES


def at(payload: Payload, path: tuple[str, ...]) -> Any:
    """Whatever stands at a path; None for nothing."""
    value: Any = payload
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
