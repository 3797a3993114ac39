"""How many sessions logins and databases get of a server."""

import pytest

from app.core.connections import connections, described


@pytest.mark.parametrize(
    ("asked", "room", "login", "database"),
    [
        (None, 97, 40, 60),  # PostgreSQL as it comes
        (None, 192, 40, 60),
        (100, 400, 100, 150),
        (100, 97, 48, 72),  # not more than half, and a quarter is kept for others
        (5, 97, 5, 8),
        (1, 97, 1, 4),  # a job gets in beside it
        (None, 22, 11, 16),
        (10_000, 97, 48, 72),
        (None, 1, 1, 1),
    ],
)
def test_a_login_gets_what_was_asked_for_and_a_share_is_kept(
    asked: int | None, room: int, login: int, database: int
) -> None:
    found = connections(asked, room=room)

    assert (found.login, found.database) == (login, database)
    assert found.job == login + 2


@pytest.mark.parametrize(
    ("asked", "room", "words"),
    [
        (None, None, "40 for each login, as far as the server has them"),
        (None, 97, "40 for each login, 60 to each database"),
        (None, 22, "11 for each login, 16 to each database"),
        (
            100,
            97,
            "48 for each login, 72 to each database"
            " (not 100: the server has 97, and a login gets half of them at most)",
        ),
    ],
)
def test_people_read_what_holds_and_why_it_is_less(
    asked: int | None, room: int | None, words: str
) -> None:
    assert described(asked, room=room) == words
