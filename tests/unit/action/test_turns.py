import pytest

from action.turns import longest_wait_seconds


@pytest.mark.parametrize("code", ["creating", "restoring", "fixing"])
def test_a_database_may_be_prepared_for_five_minutes(code: str) -> None:
    assert longest_wait_seconds(code, timeout_minutes=60) == 300


@pytest.mark.parametrize("code", ["busy", "waiting"])
def test_others_are_waited_for_as_long_as_a_command_may_take(code: str) -> None:
    assert longest_wait_seconds(code, timeout_minutes=60) == 3600
