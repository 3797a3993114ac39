"""Logs: one JSON object a line on stderr, without secrets."""

import logging
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

HIDDEN = "[hidden]"
# A name that ends in one of these holds a secret, whatever its value looks like.
_SECRET_NAMES = re.compile(
    r"(?i)(password|passwd|secret|secrets|token|authorization|private_key|secret_keys|dsn|cookie"
    r"|database_url|verifier)$"
)
# What secrets look like inside other text: user information of a URL, libpq's password word,
# GitHub's tokens, signed tokens, PEM blocks, SCRAM verifiers.
_SECRET_TEXTS = (
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@"), r"\1:" + HIDDEN + "@"),
    (re.compile(r"(?i)\b(password\s*=\s*)('[^']*'|\S+)"), r"\1" + HIDDEN),
    (re.compile(r"\b(gh[a-z]_|github_pat_)[A-Za-z0-9_]+"), HIDDEN),
    (re.compile(r"\bey[A-Za-z0-9_-]+\.ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), HIDDEN),
    (re.compile(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*-----|\Z)"), HIDDEN),
    (re.compile(r"SCRAM-SHA-256\$\S+"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+\S+"), r"\1 " + HIDDEN),
)
_MIN_SECRET_CHARACTERS = 8
_TALKATIVE = ("gunicorn.", "procrastinate.")
_RETRIES = ("job_error_retry", "job_aborted_retry")


class Redactor:
    """Takes secrets out of log entries: by name, by shape, and those it was told."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # A short "secret" would blacken ordinary words; the longest first, since one may hold
        # another.
        kept = {secret for secret in secrets if len(secret) >= _MIN_SECRET_CHARACTERS}
        self._secrets = sorted(kept, key=len, reverse=True)

    def __call__(self, _logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        return {name: self._hide(name, value) for name, value in entry.items()}

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for pattern, replacement in _SECRET_TEXTS:
            text = pattern.sub(replacement, text)
        return text

    def _hide(self, name: str, value: Any) -> Any:
        if _SECRET_NAMES.search(name) and value is not None:
            return HIDDEN
        if isinstance(value, Mapping):
            return {key: self._hide(str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._hide("", item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(value if isinstance(value, str) else repr(value))


def configure_logging(secrets: Iterable[str] = (), *, level: int = logging.INFO) -> None:
    """Send every log of the process, those of libraries too, to stderr as JSON lines.

    `secrets` are values that must never show, beside what looks like one. May be called again.
    """
    redactor = Redactor(secrets)
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _write_exception,
            redactor,
            structlog.processors.JSONRenderer(default=repr),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(_is_news)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    for name in ("httpx", "urllib3"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _is_news(record: logging.LogRecord) -> bool:
    """Not what gunicorn and the queue tell of every start and of every job that went well."""
    is_routine = record.levelno <= logging.INFO and record.name.startswith(_TALKATIVE)
    return not is_routine or getattr(record, "action", "") in _RETRIES


def _write_exception(
    _logger: WrappedLogger, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The traceback as text, before the redactor: messages of libraries may hold anything."""
    found = entry.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    if isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    if found and found[0] is not None:
        entry["exception"] = "".join(traceback.format_exception(*found))
    return entry
