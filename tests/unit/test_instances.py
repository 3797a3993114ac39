"""What an instance shows."""

import pytest

from app.core.databases import DatabaseState
from app.core.instances import InstanceStatus, instance_status


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ("", InstanceStatus.CREATING),
        ("deleted gone", InstanceStatus.CONNECTED),
        ("ready ready", InstanceStatus.CONNECTED),
        ("ready deleted", InstanceStatus.CONNECTED),
        ("ready creating", InstanceStatus.CREATING),
        ("ready creating error", InstanceStatus.ERROR),
    ],
)
def test_an_instance_shows_one_word(states: str, status: InstanceStatus) -> None:
    found = [DatabaseState(state) for state in states.split()]

    assert instance_status(found, is_assigned=True, is_failing=False) is status


def test_an_instance_without_apps_is_unassigned_whatever_stands_on_it() -> None:
    found = instance_status([DatabaseState.ERROR], is_assigned=False, is_failing=False)

    assert found is InstanceStatus.UNASSIGNED


@pytest.mark.parametrize("states", ["", "ready ready", "creating"])
@pytest.mark.parametrize("is_assigned", [True, False])
def test_a_server_that_does_not_answer_is_an_error_whatever_was_known_before(
    states: str, is_assigned: bool
) -> None:
    found = [DatabaseState(state) for state in states.split()]

    shown = instance_status(found, is_assigned=is_assigned, is_failing=True)

    assert shown is InstanceStatus.ERROR


def test_an_instance_whose_machine_is_silent_is_no_error_whatever_its_server_did_before() -> None:
    shown = instance_status(
        [DatabaseState.ERROR], is_assigned=True, is_failing=True, is_unreachable=True
    )

    assert shown is InstanceStatus.UNREACHABLE


def test_the_words_are_what_people_read() -> None:
    assert set(InstanceStatus) == {
        "Connected",
        "Creating",
        "Error",
        "Unassigned",
        "Unreachable",
    }
