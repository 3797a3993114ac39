"""Logs hold no secret: not by name, not by shape, not those that were told."""

import json
import logging

import pytest
import structlog

from app.logs import HIDDEN, Redactor, configure_logging


@pytest.mark.parametrize(
    ("text", "kept", "hidden"),
    [
        ("postgresql://me:s3cret@host/db", "postgresql://me:", "s3cret"),
        ("connection failed: password=s3cret host=x", "host=x", "s3cret"),
        ("token ghs_abcDEF123 refused", "refused", "ghs_abcDEF123"),
        ("Authorization: Bearer abc.def", "Bearer", "abc.def"),
        ("eyJhbGciOi.eyJpc3MiOi.c2ln was bad", "was bad", "eyJhbGciOi"),
        ("ALTER ROLE x PASSWORD 'SCRAM-SHA-256$4096:abc$def:ghi'", "ALTER ROLE", "4096:abc"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, kept: str, hidden: str) -> None:
    shown = Redactor().text(text)

    assert kept in shown
    assert hidden not in shown
    assert HIDDEN in shown


def test_a_private_key_is_hidden_to_its_end() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----"

    assert Redactor().text(f"read {key} twice") == f"read {HIDDEN} twice"


def test_secrets_that_were_told_are_hidden_in_every_form_of_value() -> None:
    redactor = Redactor(["canary-secret-1"])

    entry = redactor(None, "info", {"a": "x canary-secret-1", "b": [{"c": b"canary-secret-1"}]})

    assert "canary" not in json.dumps(entry)


def test_a_name_that_says_secret_hides_its_value() -> None:
    entry = Redactor()(None, "info", {"admin_password": "x", "dsn": "y", "port": 5432})

    assert entry == {"admin_password": HIDDEN, "dsn": HIDDEN, "port": 5432}


def test_tracebacks_of_libraries_are_hidden_too(capfd: pytest.CaptureFixture[str]) -> None:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    try:
        configure_logging(["canary-secret-2"])
        error = ValueError("could not use canary-secret-2")
        logging.getLogger("a.library").error("failed with %s", "canary-secret-2", exc_info=error)
        structlog.get_logger("ours").info("said", url="postgresql://u:pw@h/d")
    finally:
        root.handlers[:] = before

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert lines[0]["event"] == f"failed with {HIDDEN}"
    assert "ValueError: could not use" in lines[0]["exception"]
    assert "canary" not in json.dumps(lines)
    assert lines[1]["url"] == f"postgresql://u:{HIDDEN}@h/d"


def test_only_what_is_news_is_logged_of_the_queue(capfd: pytest.CaptureFixture[str]) -> None:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    queue = logging.getLogger("procrastinate.worker.databases")
    try:
        configure_logging()
        queue.info("Job ended with status: Success", extra={"action": "job_success"})
        queue.info("Job ended with status: Error", extra={"action": "job_error_retry"})
        queue.error("Job ended with status: Error", extra={"action": "job_error"})
        structlog.get_logger("app.ours").info("said")
    finally:
        root.handlers[:] = before

    lines = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert lines == ["Job ended with status: Error", "Job ended with status: Error", "said"]


def test_a_single_command_shows_no_retries_of_libraries() -> None:
    root, before = logging.getLogger(), (logging.getLogger().handlers[:], logging.root.level)
    try:
        configure_logging(level=logging.ERROR)

        assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.WARNING)
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        logging.getLogger("urllib3").setLevel(logging.WARNING)
