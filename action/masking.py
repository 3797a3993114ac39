"""In which forms a secret may show in a log, and how the runner is told to hide it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

# GitHub replaces every occurrence of a masked text: a shorter one would turn the log into stars.
SHORTEST = 8


def escape_data(value: str) -> str:
    """Escape the data of a workflow command, which the runner decodes again.

    Unescaped, a `%25` in a URL would be registered as `%` and the URL itself stay visible.
    Source: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    """
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(value: str) -> str:
    """Escape a property (such as `title`) of a workflow command."""
    return escape_data(value).replace(":", "%3A").replace(",", "%2C")


def masks(secret: str) -> list[str]:
    """List what the runner is told to hide: each line, plain and percent-encoded.

    Empty and shorter texts are left out. The runner derives further forms, such as base64, itself.
    """
    return _usable(form for text in _parts(secret) for form in (text, *_percent_encoded(text)))


def forms(secret: str) -> list[str]:
    """List every form that we look for in what we print or report ourselves."""
    escaped = (
        form for text in _parts(secret) for form in (*_json(text), *_base64(text), *_hex(text))
    )
    return list(dict.fromkeys([*masks(secret), *_usable(escaped)]))


def _parts(secret: str) -> list[str]:
    return [text.strip() for text in (secret, *secret.splitlines())]


def _usable(texts: Iterable[str]) -> list[str]:
    return [
        text
        for text in dict.fromkeys(texts)
        if len(text) >= SHORTEST and len(text.splitlines()) == 1
    ]


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _percent_encoded(text: str) -> list[str]:
    return [quote(_raw(text), safe=""), quote(_raw(text)), quote_plus(_raw(text))]


def _json(text: str) -> list[str]:
    return [json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]]


def _hex(text: str) -> list[str]:
    """As PostgreSQL shows bytes, for one."""
    digits = _raw(text).hex()
    return [digits, digits.upper()]


def _base64(text: str) -> list[str]:
    """Encode at the three offsets that a value can have inside a longer text.

    Only the characters that depend on the value alone are kept.
    """
    raw = _raw(text)
    found = [base64.b64encode(raw).decode()]
    for offset, start in enumerate((0, 2, 3)):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        end = len(encoded) - (1 if (offset + len(raw)) % 3 else 0)
        found.append(encoded[start:end])
    return found
