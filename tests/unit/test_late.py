"""Parts that are built when they are first used."""

import io

from app.late import Late


def test_a_part_is_built_once_and_when_it_is_used() -> None:
    built: list[io.StringIO] = []

    def build() -> io.StringIO:
        built.append(io.StringIO())
        return built[-1]

    late = Late(build)
    assert not built

    late().write("one")
    late().write("two")

    assert [each.getvalue() for each in built] == ["onetwo"]


def test_closing_what_nobody_used_builds_nothing() -> None:
    built: list[io.StringIO] = []

    def build() -> io.StringIO:
        built.append(io.StringIO())
        return built[-1]

    Late(build).close()

    assert not built


def test_closing_closes_what_was_built() -> None:
    part = io.StringIO()
    late = Late(lambda: part)
    late().write("something")

    late.close()

    assert part.closed
