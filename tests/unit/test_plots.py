"""Plots: where things stand."""

from datetime import UTC, datetime, timedelta

from app.core.plots import HEIGHT, WIDTH, Point, plot

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=10)


def points(*values: float) -> list[Point]:
    return [
        Point(at=START + timedelta(days=day), value=value, label=str(value))
        for day, value in enumerate(values)
    ]


def test_a_larger_value_stands_higher_and_a_later_one_further_right() -> None:
    first, second = plot(points(1, 4), start=START, end=END).dots

    assert second.y < first.y
    assert second.x > first.x


def test_everything_stays_inside() -> None:
    drawn = plot(points(0, 5, 4.2, 999), start=START + timedelta(days=1), end=END)

    assert all(0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT for dot in drawn.dots)


def test_the_axis_ends_at_a_round_number_above_all() -> None:
    drawn = plot(points(3.1), start=START, end=END)

    assert [tick.value for tick in drawn.ticks] == [0, 2.5, 5]


def test_a_line_keeps_each_value_until_the_next_and_the_last_to_the_end() -> None:
    drawn = plot(points(1, 2), start=START, end=END)
    corners = [tuple(map(float, corner.split(","))) for corner in drawn.steps.split()]

    assert [y for _, y in corners] == [drawn.dots[0].y] * 2 + [drawn.dots[1].y] * 2
    assert corners[-1][0] == drawn.right


def test_nothing_and_a_single_moment_can_be_drawn() -> None:
    assert plot([], start=START, end=START).dots == ()
    assert len(plot(points(0), start=START, end=START).dots) == 1
