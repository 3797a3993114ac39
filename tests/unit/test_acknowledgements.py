"""What somebody accepts is what was said then, and never what prevents work."""

from dataclasses import replace
from datetime import UTC, datetime

from app.core.findings import Acknowledgement, Finding, acknowledged, by_whom

FINDING = Finding(code="public_connect", message="postgres is open.", advice="", is_fatal=False)
KNOWN = Acknowledgement(
    code="public_connect",
    message="postgres is open.",
    acknowledged_by="github:mona",
    acknowledged_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
)


def test_a_finding_is_accepted_in_the_words_in_which_it_was_said() -> None:
    assert acknowledged(FINDING, [KNOWN]) is KNOWN
    assert acknowledged(replace(FINDING, message="payroll is open."), [KNOWN]) is None
    assert acknowledged(replace(FINDING, code="tls"), [KNOWN]) is None


def test_what_prevents_work_is_never_accepted() -> None:
    assert acknowledged(replace(FINDING, is_fatal=True), [KNOWN]) is None


def test_people_are_told_who_and_when() -> None:
    assert by_whom(KNOWN) == "by github:mona on 2026-01-02"
