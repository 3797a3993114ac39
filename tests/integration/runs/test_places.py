"""Few at once of one kind: the next waits a little for the quick, and for nobody who is stuck."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import patience
from app.operations.crowd import Crowd, TooManyAtOnce
from app.patience import StillBusy, Waiting


def test_many_quick_ones_all_have_their_turn() -> None:
    crowd = Crowd()
    inside, most_seen = 0, 0
    lock = threading.Lock()

    def work(_: int) -> None:
        nonlocal inside, most_seen
        with crowd.place("kind", most=2):
            with lock:
                inside += 1
                most_seen = max(most_seen, inside)
            time.sleep(0.001)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(work, range(40)))

    assert most_seen == 2


def test_nobody_waits_for_those_who_are_stuck_and_other_kinds_go_on() -> None:
    crowd = Crowd()

    with crowd.place("kind", most=1):
        with pytest.raises(TooManyAtOnce), crowd.place("kind", most=1):
            pass
        with crowd.place("another", most=1):
            pass
    with crowd.place("kind", most=1):
        pass


def test_what_is_waited_for_in_a_request_shares_its_time() -> None:
    with patience.limited(databases_seconds=0.1, github_seconds=9):
        with patience.spent("Waiting"), patience.spent("Waiting inside of that"):
            time.sleep(0.11)
            assert patience.left(10.0) <= 0
        with pytest.raises(StillBusy), patience.spent("Waiting again"):
            pass
        assert patience.left(10.0, Waiting.FOR_GITHUB) == 9

    assert patience.left(10.0) == 10.0


def test_what_is_no_waiting_costs_nothing() -> None:
    with patience.limited(databases_seconds=0.1, github_seconds=9):
        time.sleep(0.11)

        with patience.spent("Waiting"):
            assert patience.left(10.0) > 0
