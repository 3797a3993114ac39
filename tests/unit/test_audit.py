"""Every action that can be written down has words of its own for people."""

import pytest

from app.core.audit import WORDS, AuditEvent, called, words_of


def test_every_action_has_words_and_no_two_the_same() -> None:
    assert WORDS.keys() == set(AuditEvent)
    assert len(set(WORDS.values())) == len(AuditEvent)


@pytest.mark.parametrize("action", AuditEvent)
def test_words_are_no_name_of_a_program(action: AuditEvent) -> None:
    assert words_of(action)[0].isupper()
    assert words_of(action) != action
    assert "." not in action


def test_what_an_older_version_wrote_down_stays_as_it_was() -> None:
    assert words_of("databases paint") == "databases paint"


def test_an_action_is_found_by_its_words() -> None:
    assert called("reset the") == [AuditEvent.DATABASES_RESET]
    assert called("paint") == []
